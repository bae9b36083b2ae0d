/* SPDX-License-Identifier: BSD-3-Clause */
#include "source/headscale/http1.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

/* "HTTP/1.1 101 Switching Protocols" */
static bool
read_status(const char *line, size_t n, struct http1_head *out)
{
	int *status = &out->status;
	if (n < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ')
		return false;
	*status = 0;
	for (size_t i = 9; i < 12; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		*status = *status * 10 + line[i] - '0';
	}
	return *status >= 100 && (n == 12 || line[12] == ' ');
}

/* "POST /echo?x=1 HTTP/1.1" */
static bool
read_request(const char *line, size_t n, struct http1_head *out)
{
	const char *path = memchr(line, ' ', n), *end;
	if (!path || path == line)
		return false;
	path++;
	end = memchr(path, ' ', n - (size_t)(path - line));
	if (!end || n - (size_t)(end - line) != 9 || memcmp(end, " HTTP/1.", 8) != 0)
		return false;
	const char *query = memchr(path, '?', (size_t)(end - path));
	size_t n_path = (size_t)((query ? query : end) - path);
	if (n_path == 0 || n_path >= sizeof(out->path))
		return false;
	memcpy(out->path, path, n_path);
	return true;
}

static bool
read_length(const char *value, size_t n, int64_t *out)
{
	int64_t v = 0;
	if (n == 0 || n > 15)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
		v = v * 10 + value[i] - '0';
	}
	*out = v;
	return true;
}

static bool
is_named(const char *line, size_t n_name, const char *name)
{
	return n_name == strlen(name) && strncasecmp(line, name, n_name) == 0;
}

static bool
read_field(const char *line, size_t n, struct http1_head *out)
{
	const char *colon = memchr(line, ':', n);
	if (!colon || colon == line)
		return false;
	size_t n_name = (size_t)(colon - line), from = n_name + 1;
	while (from < n && (line[from] == ' ' || line[from] == '\t'))
		from++;
	while (n > from && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	if (is_named(line, n_name, "Content-Length"))
		return read_length(line + from, n - from, &out->body_bytes);
	if (is_named(line, n_name, "Upgrade"))
		memcpy(out->upgrade, line + from, MIN_OF(n - from, sizeof(out->upgrade) - 1));
	return true;
}

typedef bool read_first(const char *line, size_t n, struct http1_head *out);

static int
parse(const void *data, size_t n_bytes, read_first *read_first_line, struct http1_head *out)
{
	const char *text = data;
	size_t at = 0;
	memset(out, 0, sizeof(*out));
	out->body_bytes = -1;
	for (unsigned n_lines = 0;; n_lines++) {
		size_t room = MIN_OF(n_bytes, HTTP1_MAX_HEAD_BYTES);
		const char *end = at < room ? memchr(text + at, '\n', room - at) : NULL;
		if (!end)
			return n_bytes < HTTP1_MAX_HEAD_BYTES ? 0 : -EMSGSIZE;
		size_t n = (size_t)(end - text) - at;
		const char *line = text + at;
		at += n + 1;
		n -= n > 0 && line[n - 1] == '\r';
		if (n == 0 && n_lines > 0)
			break;
		if (memchr(line, 0, n) ||
			!(n_lines ? read_field(line, n, out) : read_first_line(line, n, out)))
			return -EBADMSG;
	}
	out->n_bytes = at;
	return 1;
}

int
http1_parse_head(const void *data, size_t n_bytes, struct http1_head *out)
{
	return parse(data, n_bytes, read_status, out);
}

int
http1_parse_request(const void *data, size_t n_bytes, struct http1_head *out)
{
	return parse(data, n_bytes, read_request, out);
}
