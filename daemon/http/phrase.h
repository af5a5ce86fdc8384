/* The words behind a status code.  Internal to the module. */
#ifndef SBX_HTTP_PHRASE_H
#define SBX_HTTP_PHRASE_H

#include "span.h"

/* "Not Found"; empty for a code that is not registered. */
struct span http_phrase(int status);

#endif
