# For type checkers: what `__getattr__` in __init__.py brings when it is used.
from tuiswp import integrations as integrations
from tuiswp import report as report
from tuiswp.api import SweepHandle as SweepHandle
from tuiswp.api import SweepResult as SweepResult
from tuiswp.api import collect as collect
from tuiswp.api import run_sweep as run_sweep
from tuiswp.api import start_sweep as start_sweep
from tuiswp.errors import NoResult as NoResult
from tuiswp.errors import SweepPaused as SweepPaused
from tuiswp.errors import TuiswpError as TuiswpError

__version__: str
