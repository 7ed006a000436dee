/* Throws random bytes at include/gaze.h: `fuzz_gaze SECONDS SEED`. Compile with
 * -fsanitize=address,undefined. The header's sizes are kept sound half of the time, so that what
 * lies behind them is read; the rest is anything, and another thread stores anything meanwhile. */
#include "gaze.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

static uint64_t state;
static char name[GAZE_NAME_MAX + 1u];
static unsigned char *memory;
static int stop;

/* xorshift64 */
static uint64_t roll(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static void put(size_t at, uint64_t value, size_t width)
{
    memcpy(memory + at, &value, width);
}

/* A header that is taken, or nearly. */
static void describe(void)
{
    static const uint32_t sizes[8] = {GAZE_HEADER_SIZE,    GAZE_SAMPLE_SLOT_SIZE,
                                      GAZE_SAMPLE_SLOTS,   GAZE_FACE_SLOT_SIZE,
                                      GAZE_FACE_SLOTS,     GAZE_FACE_ROWS,
                                      GAZE_SAMPLES_OFFSET, GAZE_FACES_OFFSET};
    put(0, GAZE_MAGIC, 8);
    put(8, roll(&state) % 16 == 0 ? roll(&state) : GAZE_VERSION, 4);
    put(12, roll(&state) % 16 == 0 ? roll(&state) : 1, 4);
    for (size_t i = 0; i < 8; i++)
        put(16 + 4 * i, roll(&state) % 128 == 0 ? roll(&state) : sizes[i], 4);
    put(48, GAZE_TOTAL_SIZE, 8);
    put(offsetof(struct gaze_header, retired), roll(&state) % 8 == 0, 4);
}

static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 511,
                                 512,
                                 513,
                                 UINT32_MAX,
                                 UINT64_C(1) << 32,
                                 INT64_MAX,
                                 (uint64_t)INT64_MAX + 1u,
                                 UINT64_MAX - 1u,
                                 UINT64_MAX};

static uint64_t odd(uint64_t *s)
{
    const uint64_t n = roll(s);
    return n % 3 == 0 ? n : edges[n % (sizeof edges / sizeof *edges)];
}

/* Stores anything anywhere, as a writer gone mad does; never cuts the object. */
static void *scribble(void *unused)
{
    uint64_t s = UINT64_C(0x9e3779b97f4a7c15);
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        const size_t word = (size_t)(roll(&s) % (GAZE_TOTAL_SIZE / 8));
        /* Behind the prefix, or the header's lively fields. */
        const size_t at = roll(&s) % 2 == 0 ? 16 + word % 16 : word;
        if (at >= 8)
            __atomic_store_n((uint64_t *)(void *)memory + at, odd(&s), __ATOMIC_RELAXED);
    }
    return NULL;
}

/* Every byte of what was read is looked at: the sanitizers see what is not ours. */
static uint64_t look(const void *at, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += ((const unsigned char *)at)[i];
    return sum;
}

static uint64_t texts(const struct gaze_sample *s, const struct gaze_status *t)
{
    return strlen(gaze_reason_text(s->reason)) + strlen(gaze_state_text(s->state)) +
           strlen(t->why.text) + strlen(t->device.network_name) + strlen(t->device.camera_name);
}

int main(int count, char **words)
{
    const uint64_t seconds = count > 1 ? strtoull(words[1], NULL, 10) : 5;
    const uint64_t seed = count > 2 ? strtoull(words[2], NULL, 10) : 1;
    uint64_t rounds = 0, opened = 0, sum = 0, samples = 0;
    pthread_t other;
    state = seed * 2u + 1u;
    snprintf(name, sizeof name, "/gaze-fuzz-%ld", (long)getpid());
    const int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || ftruncate(fd, GAZE_TOTAL_SIZE) != 0) {
        perror(name);
        return 2;
    }
    memory = (unsigned char *)mmap(NULL, GAZE_TOTAL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED || pthread_create(&other, NULL, scribble, NULL) != 0) {
        perror(name);
        return 2;
    }
    const uint64_t end = gaze_now_ns() + seconds * UINT64_C(1000000000);
    while (gaze_now_ns() < end) {
        struct gaze_reader gaze;
        struct gaze_sample s;
        struct gaze_face_table table;
        struct gaze_status status;
        struct gaze_calibration_note note;
        struct gaze_clips_note clips;
        struct gaze_engine_note engine;
        uint64_t lost = 0;
        rounds++;
        if (rounds % 16 == 0)
            for (size_t i = 0; i < GAZE_TOTAL_SIZE / 8; i++)
                put(8 * i, roll(&state), 8);
        /* The fields that lead somewhere: owner, heads, the times. */
        for (size_t at = offsetof(struct gaze_header, owner); at < 256; at += 8)
            put(at, odd(&state), 8);
        if (roll(&state) % 4 != 0)
            describe();
        /* Heads that lead to a slot which says that it holds just that. */
        const uint64_t head = odd(&state);
        put(offsetof(struct gaze_header, sample_head), head, 8);
        put(GAZE_SAMPLES_OFFSET + (size_t)(head % GAZE_SAMPLE_SLOTS) * GAZE_SAMPLE_SLOT_SIZE,
            head << 1, 8);
        put(offsetof(struct gaze_header, face_head), head, 8);
        put(GAZE_FACES_OFFSET + (size_t)(head % GAZE_FACE_SLOTS) * GAZE_FACE_SLOT_SIZE, head << 1,
            8);
        const int code = gaze_open(&gaze, name);
        sum += strlen(gaze_text(code));
        if (code != GAZE_OK)
            continue;
        opened++;
        memset(&s, 0, sizeof s);
        for (int i = 0; i < 8 && gaze_next(&gaze, &s, &lost) == GAZE_OK; i++) {
            sum += look(&s, sizeof s) + lost;
            samples++;
        }
        gaze.cursor = odd(&state);
        if (gaze_next(&gaze, &s, NULL) == GAZE_OK)
            sum += look(&s, sizeof s);
        if (gaze_latest(&gaze, &s) == GAZE_OK)
            sum += look(&s, sizeof s);
        if (gaze_faces(&gaze, &table) == GAZE_OK) {
            sum += look(&table, sizeof table);
            for (uint32_t i = 0; i < table.count && i < GAZE_FACE_ROWS; i++)
                sum += strlen(gaze_face_text(table.rows[i].state));
        }
        if (gaze_faces_of(&gaze, odd(&state), &table) == GAZE_OK)
            sum += look(&table, sizeof table);
        (void)gaze_read_status(&gaze, &status);
        (void)gaze_read_calibration(&gaze, &note);
        (void)gaze_read_clips(&gaze, &clips);
        (void)gaze_read_engine(&gaze, &engine);
        sum += texts(&s, &status) + strlen(note.user) + strlen(note.text) + strlen(clips.text) +
               strlen(engine.text) + strlen(engine.priority) + look(&status, sizeof status);
        sum += (uint64_t)gaze_health(&gaze);
        sum += (uint64_t)gaze_wait(&gaze, (uint32_t)(roll(&state) % 64 == 0));
        sum += (uint64_t)gaze_reopen(&gaze);
        gaze_close(&gaze);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(other, NULL);
    shm_unlink(name);
    printf("%-12s %9" PRIu64 " inputs in %" PRIu64 " s, seed %" PRIu64 ", %" PRIu64 " opened, %" PRIu64
           " samples read, 0 found (%" PRIx64 ")\n",
           "gaze.h", rounds, seconds, seed, opened, samples, sum);
    return 0;
}
