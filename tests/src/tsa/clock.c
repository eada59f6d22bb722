/* The time that OpenSSL is told: that of the environment's EPOCH, and some milliseconds. */
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static time_t now(void) { return (time_t)atoll(getenv("EPOCH")); }

time_t time(time_t *into)
{
    if (into)
        *into = now();
    return now();
}

int gettimeofday(struct timeval *restrict into, void *restrict zone)
{
    (void)zone;
    into->tv_sec = now();
    into->tv_usec = 250000;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *into)
{
    (void)clock;
    into->tv_sec = now();
    into->tv_nsec = 250000000;
    return 0;
}
