/* A stand-in for libnvidia-ml.so.1 whose GPUs are described in the file FAKENVML names.

   The file is read at every call, so a test can make a GPU sick and well again. One fact a line:
     init RC          start of NVML gives RC           hang-init 1     ... or never comes back
     count N          number of GPUs                   driver TEXT
     gpu I KEY VALUE  KEY: bus, id (of its UUID), total, used (MiB), rc (of every call), memory-rc,
                      list-rc, power-rc, use-rc, hang, mig (number of MIG devices; -1: mode on,
                      none made)
                      of its condition, which is not supported unless said: ecc, pending, failed,
                      pages, action, reasons
     proc I PID MIB   a computing process (MIB -1: not told)      draws I PID MIB   a drawing one
   Handles: I + 1 for a GPU, 1000 * (I + 1) + K + 1 for its MIG device K. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef unsigned int u32;
typedef unsigned long long u64;
enum { OK = 0, ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7 };
enum { UNTOLD = -1, GPUS = 16, PROCESSES = 64, FOREVER_STEP_MS = 20 };

typedef struct { int i, draws; u32 pid; long mib; } proc_t;
typedef struct {
    int init, hang_init, count, processes;
    char driver[64];
    struct {
        long bus, id, total, used, rc, memory_rc, list_rc, power_rc, use_rc, hang, mig;
        long ecc, pending, failed, pages, action, reasons;
    } gpu[GPUS];
    proc_t process[PROCESSES];
} world_t;

static void look(world_t *w) {
    char line[256], key[32], text[64];
    int i; long value; u32 pid;
    memset(w, 0, sizeof *w);
    w->count = 1;
    strcpy(w->driver, "570.0");
    for (i = 0; i < GPUS; i++) {
        w->gpu[i].bus = i + 1;
        w->gpu[i].id = i;
        w->gpu[i].total = 81920;
        w->gpu[i].ecc = w->gpu[i].pending = w->gpu[i].failed = w->gpu[i].pages = UNTOLD;
        w->gpu[i].action = w->gpu[i].reasons = UNTOLD;
    }
    const char *path = getenv("FAKENVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "init %d", &w->init) == 1) continue;
        if (sscanf(line, "hang-init %d", &w->hang_init) == 1) continue;
        if (sscanf(line, "count %d", &w->count) == 1) continue;
        if (sscanf(line, "driver %63s", text) == 1) { strcpy(w->driver, text); continue; }
        if (sscanf(line, "gpu %d %31s %ld", &i, key, &value) == 3 && i >= 0 && i < GPUS) {
            const struct { const char *key; long *value; } known[] = {
                {"bus", &w->gpu[i].bus}, {"id", &w->gpu[i].id}, {"total", &w->gpu[i].total},
                {"used", &w->gpu[i].used}, {"rc", &w->gpu[i].rc},
                {"memory-rc", &w->gpu[i].memory_rc}, {"list-rc", &w->gpu[i].list_rc},
                {"power-rc", &w->gpu[i].power_rc}, {"use-rc", &w->gpu[i].use_rc},
                {"hang", &w->gpu[i].hang}, {"mig", &w->gpu[i].mig}, {"ecc", &w->gpu[i].ecc},
                {"pending", &w->gpu[i].pending}, {"failed", &w->gpu[i].failed},
                {"pages", &w->gpu[i].pages}, {"action", &w->gpu[i].action},
                {"reasons", &w->gpu[i].reasons},
            };
            for (size_t k = 0; k < sizeof known / sizeof *known; k++)
                if (!strcmp(key, known[k].key)) *known[k].value = value;
            continue;
        }
        int draws = !strncmp(line, "draws", 5);
        if (w->processes < PROCESSES
            && sscanf(line, draws ? "draws %d %u %ld" : "proc %d %u %ld", &i, &pid, &value) == 3)
            w->process[w->processes++] = (proc_t){i, draws, pid, value};
    }
    fclose(file);
}

static void pause_a_little(void) {
    struct timespec t = {0, FOREVER_STEP_MS * 1000000L};
    nanosleep(&t, NULL);
}

/* What every call on a device does first: find it, hang if told to, give its code. */
static int enter(void *device, world_t *w, int *gpu, int *part) {
    size_t handle = (size_t)device;
    *part = handle >= 1000 ? (int)(handle % 1000) - 1 : -1;
    *gpu = (int)(handle >= 1000 ? handle / 1000 : handle) - 1;
    for (look(w); w->gpu[*gpu].hang; look(w)) pause_a_little();
    return (int)w->gpu[*gpu].rc;
}
#define ENTER(device) world_t w; int gpu, part, rc = enter(device, &w, &gpu, &part); \
    (void)part; if (rc) return rc

int nvmlInitWithFlags(u32 flags) {
    (void)flags;
    world_t w;
    for (look(&w); w.hang_init; look(&w)) pause_a_little();
    printf("a library may print\n");
    fflush(stdout);
    return w.init;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int rc) { (void)rc; return "an error of the stand-in"; }
int nvmlSystemGetDriverVersion(char *text, u32 size) {
    world_t w; look(&w); snprintf(text, size, "%s", w.driver); return OK;
}
int nvmlDeviceGetCount_v2(u32 *count) { world_t w; look(&w); *count = (u32)w.count; return OK; }
int nvmlDeviceGetHandleByIndex_v2(u32 index, void **device) {
    world_t w; look(&w);
    if ((int)index >= w.count) return ARGUMENT;
    *device = (void *)(size_t)(index + 1);
    return OK;
}
int nvmlDeviceGetUUID(void *device, char *text, u32 size) {
    ENTER(device);
    if (part < 0) snprintf(text, size, "GPU-00000000-0000-0000-0000-%012ld", w.gpu[gpu].id);
    else snprintf(text, size, "MIG-11111111-0000-0000-%04ld-%012d", w.gpu[gpu].id, part);
    return OK;
}
int nvmlDeviceGetName(void *device, char *text, u32 size) {
    ENTER(device); snprintf(text, size, part < 0 ? "FAKE H200" : "FAKE H200 MIG 1g"); return OK;
}
typedef struct {
    char legacy[16]; u32 domain, bus, device, id, subsystem; char bus_id[32];
} pci_t;
int nvmlDeviceGetPciInfo_v3(void *device, pci_t *pci) {
    ENTER(device);
    memset(pci, 0, sizeof *pci);
    pci->bus = (u32)w.gpu[gpu].bus;
    return OK;
}
typedef struct { u64 total, free, used; } memory_t;
int nvmlDeviceGetMemoryInfo(void *device, memory_t *memory) {
    ENTER(device);
    if (w.gpu[gpu].memory_rc) return (int)w.gpu[gpu].memory_rc;
    u64 parts = part < 0 ? 1 : 7;
    memory->total = ((u64)w.gpu[gpu].total << 20) / parts;
    memory->used = (u64)w.gpu[gpu].used << 20;
    memory->free = memory->total - memory->used;
    return OK;
}
typedef struct { u32 gpu, memory; } usage_t;
int nvmlDeviceGetUtilizationRates(void *device, usage_t *usage) {
    ENTER(device);
    if (part >= 0) return NOT_SUPPORTED;
    if (w.gpu[gpu].use_rc) return (int)w.gpu[gpu].use_rc;
    usage->gpu = 42; usage->memory = 7;
    return OK;
}
int nvmlDeviceGetTemperature(void *device, int sensor, u32 *value) {
    ENTER(device); (void)sensor; *value = 55; return part < 0 ? OK : ARGUMENT;
}
int nvmlDeviceGetPowerUsage(void *device, u32 *value) {
    ENTER(device); *value = 123500; return (int)w.gpu[gpu].power_rc;
}
int nvmlDeviceGetEnforcedPowerLimit(void *device, u32 *value) {
    ENTER(device); *value = 700000; return (int)w.gpu[gpu].power_rc;
}
int nvmlDeviceGetMigMode(void *device, u32 *current, u32 *pending) {
    ENTER(device); *current = *pending = w.gpu[gpu].mig != 0; return OK;
}
int nvmlDeviceGetMaxMigDeviceCount(void *device, u32 *count) {
    ENTER(device); *count = 7; return OK;
}
int nvmlDeviceGetMigDeviceHandleByIndex(void *device, u32 index, void **part_device) {
    ENTER(device);
    if ((long)index >= w.gpu[gpu].mig) return NOT_FOUND;
    *part_device = (void *)(size_t)(1000 * (gpu + 1) + (int)index + 1);
    return OK;
}
typedef struct { u32 pid; u64 used; u32 gpu_instance, compute_instance; } listed_t;
static int list(void *device, u32 *count, listed_t *out, int draws) {
    ENTER(device);
    if (w.gpu[gpu].list_rc) return (int)w.gpu[gpu].list_rc;
    u32 room = *count, found = 0;
    for (int i = 0; i < w.processes; i++) {
        if (w.process[i].i != gpu || w.process[i].draws != draws || part > 0) continue;
        if (out && found < room) {
            long mib = w.process[i].mib;
            u64 used = mib < 0 ? ~0ULL : (u64)mib << 20;
            out[found] = (listed_t){w.process[i].pid, used, ~0U, ~0U};
        }
        found++;
    }
    *count = found;
    return found > room ? TOO_SMALL : OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, u32 *count, listed_t *out) {
    return list(device, count, out, 0);
}
int nvmlDeviceGetComputeRunningProcesses_v2(void *device, u32 *count, listed_t *out) {
    return list(device, count, out, 0);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, u32 *count, listed_t *out) {
    return list(device, count, out, 1);
}
int nvmlDeviceGetRemappedRows(void *device, u32 *corrected, u32 *bad, u32 *pending, u32 *failed) {
    ENTER(device);
    if (w.gpu[gpu].pending == UNTOLD && w.gpu[gpu].failed == UNTOLD) return NOT_SUPPORTED;
    *corrected = 0;
    *bad = *pending = w.gpu[gpu].pending > 0;
    *failed = w.gpu[gpu].failed > 0;
    return OK;
}
int nvmlDeviceGetRetiredPagesPendingStatus(void *device, int *pending) {
    ENTER(device);
    if (w.gpu[gpu].pages == UNTOLD) return NOT_SUPPORTED;
    *pending = (int)w.gpu[gpu].pages;
    return OK;
}
int nvmlDeviceGetTotalEccErrors(void *device, int type, int counter, u64 *count) {
    ENTER(device);
    if (w.gpu[gpu].ecc == UNTOLD || type != 1 || counter != 0) return NOT_SUPPORTED;
    *count = (u64)w.gpu[gpu].ecc;
    return OK;
}
int nvmlDeviceGetCurrentClocksEventReasons(void *device, u64 *reasons) {
    ENTER(device);
    if (w.gpu[gpu].reasons == UNTOLD) return NOT_SUPPORTED;
    *reasons = (u64)w.gpu[gpu].reasons;
    return OK;
}
typedef struct {
    u32 field, scope; long long when, took; int type, rc; union { double d; u32 u; u64 l; } value;
} field_t;
int nvmlDeviceGetFieldValues(void *device, int count, field_t *fields) {
    ENTER(device);
    for (int i = 0; i < count; i++) {
        int told = fields[i].field == 230 && w.gpu[gpu].action != UNTOLD;
        fields[i].rc = told ? OK : NOT_SUPPORTED;
        fields[i].type = 1;
        fields[i].value.u = told ? (u32)w.gpu[gpu].action : 0;
    }
    return OK;
}
