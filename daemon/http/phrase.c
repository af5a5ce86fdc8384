#include "phrase.h"

#include "array.h"

/* The reason phrases of RFC 9110 15 and of the IANA registry.  The origin's own
 * words are not carried: they are free text that nobody may rely on. */
static const char *const informational[] = {
	"Continue", "Switching Protocols", "Processing", "Early Hints"};

static const char *const successful[] = {"OK", "Created", "Accepted",
	"Non-Authoritative Information", "No Content", "Reset Content",
	"Partial Content", "Multi-Status", "Already Reported"};

static const char *const redirection[] = {"Multiple Choices",
	"Moved Permanently", "Found", "See Other", "Not Modified", "Use Proxy",
	"", "Temporary Redirect", "Permanent Redirect"};

static const char *const client_error[] = {"Bad Request", "Unauthorized",
	"Payment Required", "Forbidden", "Not Found", "Method Not Allowed",
	"Not Acceptable", "Proxy Authentication Required", "Request Timeout",
	"Conflict", "Gone", "Length Required", "Precondition Failed",
	"Content Too Large", "URI Too Long", "Unsupported Media Type",
	"Range Not Satisfiable", "Expectation Failed", "", "", "",
	"Misdirected Request", "Unprocessable Content", "Locked",
	"Failed Dependency", "Too Early", "Upgrade Required", "",
	"Precondition Required", "Too Many Requests", "",
	"Request Header Fields Too Large"};

static const char *const server_error[] = {"Internal Server Error",
	"Not Implemented", "Bad Gateway", "Service Unavailable",
	"Gateway Timeout", "HTTP Version Not Supported",
	"Variant Also Negotiates", "Insufficient Storage", "Loop Detected", "",
	"Not Extended", "Network Authentication Required"};

static const struct {
	const char *const *words;
	int count;
} classes[] = {
	{NULL, 0},
	{informational, ARRAY_LEN(informational)},
	{successful, ARRAY_LEN(successful)},
	{redirection, ARRAY_LEN(redirection)},
	{client_error, ARRAY_LEN(client_error)},
	{server_error, ARRAY_LEN(server_error)},
};

struct span
http_phrase(int status)
{
	int class = status / 100, rest = status % 100;

	if (class < 1 || class >= (int)ARRAY_LEN(classes) ||
		rest >= classes[class].count)
		return SPAN_LITERAL("");
	return span_of(classes[class].words[rest]);
}
