"""What a person fills in to steer a sweep: fields, what each allows, the request they make."""
