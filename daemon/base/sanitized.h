/*
 * SANITIZED: 1 in a build with AddressSanitizer, which wants to see each block
 * freed and to read /proc at the end; else 0.
 */
#ifndef SBX_SANITIZED_H
#define SBX_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
