/* Calls a guest through Extism's C library: reused, and in an instance made for each call.
 *
 * Usage: loop path/to/libextism_sys.so MODULE INPUT CALLS INSTANCES. Prints for each function nanoseconds of processor time of this
 * thread for each reused call and each fresh call, and what it answered. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *(*compile_plugin)(const uint8_t *, uint64_t, const void **, uint64_t, int, char **);
static void *(*new_plugin)(const void *, char **);
static int32_t (*call_plugin)(void *, const char *, const uint8_t *, uint64_t);
static const uint8_t *(*output_of)(void *);
static uint64_t (*length_of)(void *);
static void (*free_plugin)(void *);

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void check(int good, const char *what, const char *error) {
    if (!good) {
        fprintf(stderr, "%s: %s\n", what, error ? error : "failed");
        exit(1);
    }
}

static void *find(void *library, const char *name) {
    void *found = dlsym(library, name);
    check(found != NULL, name, "extism has no such function");
    return found;
}

static void open_library(const char *path) {
    void *library = dlopen(path, RTLD_NOW);
    check(library != NULL, "dlopen", dlerror());
    *(void **)&compile_plugin = find(library, "extism_compiled_plugin_new");
    *(void **)&new_plugin = find(library, "extism_plugin_new_from_compiled");
    *(void **)&call_plugin = find(library, "extism_plugin_call");
    *(void **)&output_of = find(library, "extism_plugin_output_data");
    *(void **)&length_of = find(library, "extism_plugin_output_length");
    *(void **)&free_plugin = find(library, "extism_plugin_free");
}

static void *compile(const char *path) {
    static uint8_t module[1 << 22];
    FILE *file = fopen(path, "rb");
    check(file != NULL, path, "cannot be read");
    size_t length = fread(module, 1, sizeof module, file);
    fclose(file);
    char *error = NULL;
    void *compiled = compile_plugin(module, length, NULL, 0, 0, &error);
    check(compiled != NULL, "compile", error);
    return compiled;
}

static void *instance(void *compiled) {
    char *error = NULL;
    void *plugin = new_plugin(compiled, &error);
    check(plugin != NULL, "instantiate", error);
    return plugin;
}

/* One call, with its answer taken. */
static const uint8_t *call(void *plugin, const char *function, const char *input, uint64_t *length) {
    check(call_plugin(plugin, function, (const uint8_t *)input, strlen(input)) == 0, function, NULL);
    *length = length_of(plugin);
    return output_of(plugin);
}

static void measure(void *compiled, const char *function, const char *input, uint64_t calls, uint64_t instances) {
    uint64_t length;
    uint64_t start = now();
    for (uint64_t i = 0; i < instances; i++) {
        void *plugin = instance(compiled);
        call(plugin, function, input, &length);
        free_plugin(plugin);
    }
    double fresh = (double)(now() - start) / (double)instances;

    void *plugin = instance(compiled);
    call(plugin, function, input, &length);
    start = now();
    for (uint64_t i = 0; i < calls; i++)
        call(plugin, function, input, &length);
    double reused = (double)(now() - start) / (double)calls;
    const uint8_t *answer = call(plugin, function, input, &length);
    printf("%.0f %.0f %.*s\n", reused, fresh, (int)length, answer ? (const char *)answer : "");
    free_plugin(plugin);
}

int main(int count, char **arguments) {
    check(count == 6, "usage", "loop LIBRARY MODULE INPUT CALLS INSTANCES");
    open_library(arguments[1]);
    void *compiled = compile(arguments[2]);
    uint64_t calls = strtoull(arguments[4], NULL, 10), instances = strtoull(arguments[5], NULL, 10);
    measure(compiled, "noop", "", calls, instances);
    measure(compiled, "shard", arguments[3], calls, instances);
    return 0;
}
