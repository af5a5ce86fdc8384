/*
 * Which worker serves a source address: one function, once in C and once as
 * the classic BPF program that the kernel runs on the listeners
 * (SO_ATTACH_REUSEPORT_CBPF), so that both always agree.  Pure.
 */
#ifndef SBX_STEER_H
#define SBX_STEER_H

#include <stddef.h>
#include <stdint.h>

struct sock_filter;

enum { STEER_PROGRAM_MAX = 16 };

/* family: AF_INET (4 bytes of address) or AF_INET6 (16); workers > 0. */
uint32_t steer_index(int family, const uint8_t *address, uint32_t workers);

/* The same as a program.  How many instructions; at most size, or 0. */
size_t steer_program(
	int family, uint32_t workers, struct sock_filter *ret, size_t size);

#endif
