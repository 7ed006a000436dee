/* An ONNX Runtime that says it has CoreML. What CoreML is given is computed by the processor;
 * files in the folder $FALSE_COREML make it slow (`slow`: a compilation that does not end) or
 * fail (`fail`: each run). All else is the real library's, $FALSE_COREML_OF.
 *
 * AT_… are the places of functions in the table of functions, which never changes but at its
 * end; the test takes them from the `ort` crate. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const void *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
} base;

typedef void *(*create_status)(int code, const char *text);
typedef void *(*create_session)(const void *env, const void *bytes, size_t size, const void *options, void **out);
typedef void *(*run_bound)(void *session, const void *options, const void *binding);
typedef void (*release)(void *);

static const base *real;
static void *table[1024];
static const void *const *real_table;

/* Options and sessions that are CoreML's. Nothing here is fast, or has to be. */
static const void *ours[256];

static const void **place_of(const void *what) {
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (__atomic_load_n(&ours[i], __ATOMIC_SEQ_CST) == what) return &ours[i];
    return NULL;
}

static void remember(const void *what) {
    const void **place;
    do place = place_of(NULL);
    while (place && !__sync_bool_compare_and_swap(place, NULL, what));
}

static void forget(const void *what) {
    const void **place = place_of(what);
    if (place) __atomic_store_n(place, NULL, __ATOMIC_SEQ_CST);
}

static bool told_to(const char *what) {
    char path[4096];
    const char *folder = getenv("FALSE_COREML");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "/nowhere", what);
    return access(path, F_OK) == 0;
}

static char *names[] = {"CoreMLExecutionProvider", "CPUExecutionProvider"};

static void *available(char ***out, int *count) {
    *out = names;
    *count = 2;
    return NULL;
}

static void *release_available(char **given, int count) {
    (void)given, (void)count;
    return NULL;
}

static void *append(void *options, const char *name, const char *const *keys, const char *const *values, size_t count) {
    if (!strstr(name, "CoreML")) return ((create_status)real_table[0])(1, "no such provider");
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i], "ModelCacheDirectory") == 0) {
            char path[4096];
            snprintf(path, sizeof path, "%s/compiled.mlmodelc", values[i]);
            FILE *file = fopen(path, "w");
            if (file) fclose(file);
        }
    remember(options);
    return NULL;
}

static void *session(const void *env, const void *bytes, size_t size, const void *options, void **out) {
    bool coreml = place_of(options) != NULL;
    while (coreml && told_to("slow")) usleep(10000);
    void *status = ((create_session)real_table[AT_CREATE])(env, bytes, size, options, out);
    if (coreml && !status) remember(*out);
    return status;
}

static void *run(void *session, const void *options, const void *binding) {
    if (place_of(session) && told_to("fail")) return ((create_status)real_table[0])(1, "E5RT: made\nto fail");
    return ((run_bound)real_table[AT_RUN])(session, options, binding);
}

static void release_session(void *session) {
    forget(session);
    ((release)real_table[AT_RELEASE_SESSION])(session);
}

static void release_options(void *options) {
    forget(options);
    ((release)real_table[AT_RELEASE_OPTIONS])(options);
}

static const void *get_api(uint32_t version) {
    real_table = real->get_api(version);
    if (!real_table) return NULL;
    memcpy(table, real_table, AT_END * sizeof *table);
    table[AT_AVAILABLE] = (void *)available;
    table[AT_RELEASE_AVAILABLE] = (void *)release_available;
    table[AT_APPEND] = (void *)append;
    table[AT_CREATE] = (void *)session;
    table[AT_RUN] = (void *)run;
    table[AT_RELEASE_SESSION] = (void *)release_session;
    table[AT_RELEASE_OPTIONS] = (void *)release_options;
    return table;
}

static const char *get_version(void) { return real->get_version(); }

const base *OrtGetApiBase(void);
const base *OrtGetApiBase(void) {
    static const base own = {get_api, get_version};
    if (!real) {
        void *library = dlopen(getenv("FALSE_COREML_OF"), RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            fprintf(stderr, "%s\n", dlerror());
            abort();
        }
        real = ((const base *(*)(void))dlsym(library, "OrtGetApiBase"))();
    }
    return &own;
}
