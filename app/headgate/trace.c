/* SPDX-License-Identifier: BSD-3-Clause */
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"

enum { LINE_BYTES = 4096, FLOW_BYTES = 160 };

static const char *
text_of(const json_t *object, const char *field)
{
	const char *s = json_string_value(json_object_get(object, field));
	return s ? s : "";
}

static long long
number_of(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

static void
print_time(long long time_ns)
{
	time_t s = (time_t)(time_ns / 1000000000);
	struct tm tm;
	char text[16];
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&s, &tm));
	printf("%s.%06lld  ", text, time_ns % 1000000000 / 1000);
}

static const char *
protocol_name(long long protocol, char other[16])
{
	static const struct {
		int number;
		const char *name;
	} known[] = {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "icmp6"}, {132, "sctp"}};
	for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
		if (known[i].number == protocol)
			return known[i].name;
	}
	snprintf(other, 16, "ip-%lld", protocol);
	return other;
}

/* "10.0.0.1:1 > 10.0.0.2:2 udp 84" */
static void
print_flow(const char *what, const json_t *flow)
{
	char other[16], from[16] = "", to[16] = "";
	if (!flow)
		return;
	long long source = number_of(flow, "source_port");
	long long destination = number_of(flow, "destination_port");
	if (source || destination) {
		snprintf(from, sizeof(from), ".%u", (unsigned)source & 0xffff);
		snprintf(to, sizeof(to), ".%u", (unsigned)destination & 0xffff);
	}
	printf("  %s %s%s > %s%s %s %lld", what, text_of(flow, "source"), from,
		text_of(flow, "destination"), to, protocol_name(number_of(flow, "protocol"), other),
		number_of(flow, "bytes"));
}

static void
print_peer(const char *what, const json_t *peer)
{
	if (peer)
		printf("  %s %s %s", what, text_of(peer, "interface"), text_of(peer, "name"));
}

static void
print_packet(const json_t *j)
{
	const char *in = text_of(j, "in"), *out = text_of(j, "out");
	print_time(number_of(j, "time_ns"));
	printf("%-11s %-8s %8s > %-8s %5lld", text_of(j, "verdict"), text_of(j, "stage"),
		in[0] ? in : "-", out[0] ? out : "-", number_of(j, "bytes"));
	print_flow("inner", json_object_get(j, "inner"));
	print_flow("outer", json_object_get(j, "outer"));
	print_peer("from", json_object_get(j, "from"));
	print_peer("to", json_object_get(j, "to"));
	if (text_of(j, "reason")[0])
		printf("  %s: %s", text_of(j, "reason"), text_of(j, "why"));
	putchar('\n');
}

static json_t *
words_of(const struct options *o)
{
	json_t *words = json_array();
	for (int i = 1; words && i < o->n_words; i++)
		json_array_append_new(words, json_string(o->words[i]));
	return words;
}

/* "trace {…}"; the caller frees it. */
static char *
request_of(const struct options *o)
{
	json_t *j = json_pack("{s:I, s:o}", "n", (json_int_t)o->n_pkts, "filter", words_of(o));
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL, *request = NULL;
	if (text && asprintf(&request, "trace %s", text) < 0)
		request = NULL;
	free(text);
	json_decref(j);
	return request;
}

/* One line of the answer. True: it was the last. */
static bool
take_line(const struct options *o, const char *line)
{
	json_t *j = json_loads(line, 0, NULL);
	bool is_last = json_object_get(j, "told");
	long long lost = number_of(j, "lost");
	if (o->is_json)
		puts(line);
	else if (!is_last && j)
		print_packet(j);
	if (is_last && lost && !o->is_json)
		fprintf(stderr, "%lld more matched, but came faster than they could be told\n",
			lost);
	json_decref(j);
	return is_last;
}

int
trace_run(const struct options *o, struct err *err)
{
	static struct client_stream s;
	char line[LINE_BYTES], *request = request_of(o);
	if (!request)
		return err_set(err, -ENOMEM, "no memory");
	int rc = client_stream_open(&s, &o->whom, request, o->timeout_s, err);
	free(request);
	if (rc)
		return rc;
	bool is_last = false;
	ssize_t n = 0;
	while (!is_last && !ferror(stdout) &&
		(n = client_stream_line(&s, line, sizeof(line))) >= 0) {
		is_last = take_line(o, line);
		if (!client_stream_has_more(&s))
			fflush(stdout);
	}
	client_stream_close(&s);
	return n < 0 ? err_set(err, (int)n, "headgated ended the trace: %s",
			       n == -ENODATA ? "see its log" : strerror((int)-n))
		     : 0;
}
