/* Calls a function that does nothing through Extism's C library: reused, and in an instance made for each call.
 *
 * Usage: loop path/to/libextism_sys.so CALLS INSTANCES. Prints nanoseconds of processor time of this thread:
 * compiling, each reused call, each fresh call. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *MODULE = "(module (memory (export \"memory\") 17) (func (export \"noop\") (result i32) (i32.const 0)))";

typedef void *(*compile)(const uint8_t *, uint64_t, const void **, uint64_t, int, char **);
typedef void *(*instantiate)(const void *, char **);
typedef int32_t (*call)(void *, const char *, const uint8_t *, uint64_t);
typedef void (*release)(void *);

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *find(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "extism has no %s\n", name);
        exit(1);
    }
    return found;
}

static void check(int good, const char *what, const char *error) {
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, error ? error : "failed");
        exit(1);
    }
}

int main(int count, char **arguments) {
    check(count == 4, "usage", "loop LIBRARY CALLS INSTANCES");
    void *library = dlopen(arguments[1], RTLD_NOW);
    check(library != NULL, "dlopen", dlerror());
    uint64_t calls = strtoull(arguments[2], NULL, 10), instances = strtoull(arguments[3], NULL, 10);
    compile compile_plugin = (compile)find(library, "extism_compiled_plugin_new");
    instantiate new_plugin = (instantiate)find(library, "extism_plugin_new_from_compiled");
    call call_plugin = (call)find(library, "extism_plugin_call");
    release free_plugin = (release)find(library, "extism_plugin_free");

    char *error = NULL;
    uint64_t start = now();
    void *compiled = compile_plugin((const uint8_t *)MODULE, strlen(MODULE), NULL, 0, 0, &error);
    check(compiled != NULL, "compile", error);
    uint64_t compiling = now() - start;

    void *plugin = new_plugin(compiled, &error);
    check(plugin != NULL, "instantiate", error);
    check(call_plugin(plugin, "noop", NULL, 0) == 0, "call", NULL);
    start = now();
    for (uint64_t i = 0; i < calls; i++)
        check(call_plugin(plugin, "noop", NULL, 0) == 0, "call", NULL);
    uint64_t reused = (now() - start) / calls;
    free_plugin(plugin);

    start = now();
    for (uint64_t i = 0; i < instances; i++) {
        plugin = new_plugin(compiled, &error);
        check(plugin != NULL, "instantiate", error);
        check(call_plugin(plugin, "noop", NULL, 0) == 0, "call", NULL);
        free_plugin(plugin);
    }
    uint64_t fresh = (now() - start) / instances;
    printf("%llu %llu %llu\n", (unsigned long long)compiling, (unsigned long long)reused, (unsigned long long)fresh);
    return 0;
}
