/*
 * The time that nobody can set: what limits, ages and durations are measured
 * by.  The time of libev is the wall clock, and follows when that is set.
 */
#ifndef SBX_MONOTONIC_H
#define SBX_MONOTONIC_H

/* Seconds since some moment in the past, never 0.  It never goes back. */
double monotonic_now(void);

#endif
