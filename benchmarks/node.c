/*
 * The smallest program that a supervisor takes for a node: it stamps its first instruction, answers
 * `version`, `status` and `pre-upgrade`, writes the plan file when told to, and rewrites its sign-state
 * three times a block as a validator does. WHICH is "old" or "new".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *home;

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void stamp(const char *what, long long at)
{
    char path[4096], line[256];
    snprintf(path, sizeof path, "%s/stamps", home);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int length = snprintf(line, sizeof line, "%s %s %lld %d\n", what, WHICH, at, getpid());
    if (fd < 0 || write(fd, line, length) != length)
        _exit(97);
    close(fd);
}

static void pass_time(long milliseconds)
{
    struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

static void end(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

static void sign(int step)
{
    char partial[4096], final[4096];
    snprintf(partial, sizeof partial, "%s/data/write-file-atomic-%d", home, step);
    snprintf(final, sizeof final, "%s/data/priv_validator_state.json", home);
    int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const char text[] = "{\"height\":\"0\",\"round\":0,\"step\":0}\n";
    if (fd < 0 || write(fd, text, sizeof text - 1) != sizeof text - 1)
        _exit(96);
    close(fd);
    if (rename(partial, final))
        _exit(95);
}

int main(int argc, char **argv)
{
    long long start = now();
    const char *word = argc > 1 ? argv[1] : "", *halt = getenv("BENCH_HALT_MS"), *block = getenv("BENCH_BLOCK_MS");
    home = getenv("DAEMON_HOME");
    if (!strcmp(word, "version"))
        return puts("1.0.0") < 0;
    if (!strcmp(word, "pre-upgrade"))
        return 1;
    if (!strcmp(word, "status"))
        return puts("{\"sync_info\":{\"latest_block_height\":\"100\",\"catching_up\":false}}") < 0;
    signal(SIGTERM, end);
    signal(SIGINT, end);
    if (!home)
        return 98;
    stamp("started", start);
    if (halt && !strcmp(WHICH, "old")) {
        char path[4096];
        const char *text = getenv("BENCH_PLAN");
        pass_time(atol(halt));
        snprintf(path, sizeof path, "%s/data/upgrade-info.json", home);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || write(fd, text, strlen(text)) < 0)
            _exit(94);
        close(fd);
        stamp("wrote", now());
    }
    while (block) {
        pass_time(atol(block));
        for (int step = 1; step <= 3; step++)
            sign(step);
    }
    for (;;)
        pause();
}
