/* What a client would rather read (RFC 9110 12.5.1).  Internal to the module.
 */
#ifndef SBX_HTTP_PREFERENCE_H
#define SBX_HTTP_PREFERENCE_H

#include <stdbool.h>

struct http_head;

/* Whether lines of text suit the request better than JSON.  request: NULL and
 * no Accept field mean JSON; so does a tie, "*" and any "+json" type. */
bool http_prefers_text(const struct http_head *request);

#endif
