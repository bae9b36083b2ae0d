/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "watch/pcapng.h"

enum {
	BLOCK_MAX_BYTES = 1 << 20,
	SNAP_MAX_BYTES = 65535,
	FILTER_BYTES = 8192,
	STATISTICS_HEADER_BYTES = 20,
	OPTION_DROPPED = 5,
};

/* ---- The filter ---- */

/* A program as JSON, or NULL with a sentence. */
static json_t *
compile(const char *filter, int link_type, struct err *err)
{
	struct bpf_program program;
	pcap_t *pcap = pcap_open_dead(link_type, SNAP_MAX_BYTES);
	json_t *list = json_array();
	if (!pcap || !list) {
		err_set(err, -ENOMEM, "no memory");
	} else if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN)) {
		err_set(err, -EINVAL, "the filter does not suit %s: %s",
			link_type == DLT_RAW ? "what is inside the cipher (--outer leaves that out)"
					     : "frames (--inner leaves them out)",
			pcap_geterr(pcap));
		json_decref(list);
		list = NULL;
	} else {
		for (u_int i = 0; i < program.bf_len; i++) {
			const struct bpf_insn *insn = &program.bf_insns[i];
			json_array_append_new(list, json_pack("[i,i,i,I]", (int)insn->code,
							    (int)insn->jt, (int)insn->jf,
							    (json_int_t)insn->k));
		}
		pcap_freecode(&program);
	}
	if (pcap)
		pcap_close(pcap);
	return list;
}

static int
filter_text(const struct options *o, char out[FILTER_BYTES], struct err *err)
{
	size_t n = 0;
	out[0] = 0;
	for (int i = 1; i < o->n_words; i++) {
		n += (size_t)snprintf(out + n, FILTER_BYTES - n, "%s%s", n ? " " : "", o->words[i]);
		if (n >= FILTER_BYTES)
			return err_set(err, -EINVAL, "the filter is too long");
	}
	return 0;
}

static int
add_filter(const struct options *o, json_t *request, struct err *err)
{
	char text[FILTER_BYTES];
	int rc = filter_text(o, text, err);
	static const struct {
		const char *side;
		int link_type;
	} sides[] = {{"inner", DLT_RAW}, {"outer", DLT_EN10MB}};
	for (unsigned i = 0; !rc && text[0] && i < ARRAY_COUNT(sides); i++) {
		bool is_other = o->sides && strcmp(o->sides, "both") != 0 &&
				strcmp(o->sides, sides[i].side) != 0;
		json_t *program = is_other ? NULL : compile(text, sides[i].link_type, err);
		if (!is_other && !program)
			return -EINVAL;
		if (program)
			json_object_set_new(request, sides[i].side, program);
	}
	return rc;
}

/* "capture {…}", which the caller frees; NULL with a sentence. */
static char *
request_of(const struct options *o, struct err *err)
{
	char *text = NULL, *request = NULL;
	json_t *links = json_array();
	for (unsigned i = 0; links && i < o->n_links; i++)
		json_array_append_new(links, json_string(o->links[i]));
	json_t *j = json_pack("{s:I, s:i, s:s, s:o}", "n", (json_int_t)o->n_pkts, "snap",
		o->snap_bytes ? (int)o->snap_bytes : SNAP_MAX_BYTES, "sides",
		o->sides ? o->sides : "both", "links", links);
	if (!j)
		err_set(err, -ENOMEM, "no memory");
	else if (add_filter(o, j, err) == 0 && !(text = json_dumps(j, JSON_COMPACT)))
		err_set(err, -ENOMEM, "no memory");
	if (text && asprintf(&request, "capture %s", text) < 0) {
		err_set(err, -ENOMEM, "no memory");
		request = NULL;
	}
	free(text);
	json_decref(j);
	return request;
}

/* ---- The file ---- */

/* Nobody else may read it: it holds what the tunnels carry. NULL with a sentence. */
static FILE *
open_file(const struct options *o, struct err *err)
{
	if (!o->file) {
		err_set(err, -EINVAL, "where to? name a file with -w FILE, or -w - for a pipe");
		return NULL;
	}
	if (strcmp(o->file, "-") == 0) {
		if (!isatty(STDOUT_FILENO))
			return stdout;
		err_set(err, -EINVAL, "a capture is no text: send it into a pipe or a file");
		return NULL;
	}
	int fd = open(o->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		err_set(err, -errno, "cannot write %s: %s", o->file, strerror(errno));
	return f;
}

struct sums {
	unsigned long long n_packets, n_lost;
	bool has_raw, has_ethernet; /* interfaces */
};

/* What a statistics block says was lost. */
static uint64_t
lost_of(const uint8_t *block, size_t n_bytes)
{
	struct cursor c = cursor_of(block, n_bytes - 4);
	(void)cursor_take(&c, STATISTICS_HEADER_BYTES);
	while (cursor_left(&c) >= 4) {
		const uint8_t *option = cursor_take(&c, 4);
		uint16_t code = load_le16(option), n = load_le16(option + 2);
		const uint8_t *value = cursor_take(&c, (n + 3u) & ~3u);
		if (value && code == OPTION_DROPPED && n == 8)
			return load_le64(value);
		if (!value || !code)
			break;
	}
	return 0;
}

static void
note_block(const uint8_t *block, size_t n_bytes, struct sums *sums)
{
	uint32_t type = load_le32(block);
	if (type == PCAPNG_PACKET)
		sums->n_packets++;
	else if (type == PCAPNG_STATISTICS)
		sums->n_lost += lost_of(block, n_bytes);
	sums->has_raw |= type == PCAPNG_INTERFACE && load_le16(block + 8) == PCAPNG_RAW_IP;
	sums->has_ethernet |= type == PCAPNG_INTERFACE && load_le16(block + 8) == PCAPNG_ETHERNET;
}

/* The next block into *block, whose size it returns; 0 at the end, or a negative errno. */
static ssize_t
read_block(struct client_stream *s, uint8_t *block)
{
	ssize_t n = client_stream_read(s, block, 8);
	if (n <= 0)
		return n;
	uint32_t n_bytes = load_le32(block + 4);
	if (n < 8 || n_bytes < 12 || n_bytes % 4 || n_bytes > BLOCK_MAX_BYTES)
		return -EPROTO;
	n = client_stream_read(s, block + 8, n_bytes - 8);
	return n == (ssize_t)n_bytes - 8 ? (ssize_t)n_bytes : n < 0 ? n : -EPROTO;
}

static int
copy(struct client_stream *s, FILE *out, struct sums *sums, struct err *err)
{
	static uint8_t block[BLOCK_MAX_BYTES];
	ssize_t n;
	while ((n = read_block(s, block)) > 0) {
		note_block(block, (size_t)n, sums);
		fwrite(block, 1, (size_t)n, out);
		if (!client_stream_has_more(s))
			fflush(out);
		if (ferror(out))
			return err_set(err, -EIO, "cannot write what was captured: %s",
				strerror(errno));
	}
	return n < 0 ? err_set(err, (int)n, "the capture broke off: %s", strerror((int)-n)) : 0;
}

int
capture_run(const struct options *o, struct err *err)
{
	static struct client_stream s;
	struct sums sums = {0};
	char *request = request_of(o, err);
	FILE *out = request ? open_file(o, err) : NULL;
	int rc = out ? client_stream_open(&s, &o->whom, request, o->timeout_s, err) : -EINVAL;
	free(request);
	if (!rc) {
		fprintf(stderr, "capturing; %s holds what the tunnels carry in plain: keep it to "
			"yourself. Ctrl-C ends it.\n", strcmp(o->file, "-") ? o->file : "it");
		rc = copy(&s, out, &sums, err);
		client_stream_close(&s);
		fprintf(stderr, "%llu packets captured, %llu lost for want of room\n",
			sums.n_packets, sums.n_lost);
		if (sums.has_raw && sums.has_ethernet)
			fputs("it holds links of two kinds, which Wireshark reads; for tcpdump "
			      "take --inner or --outer\n", stderr);
	}
	if (out && out != stdout && fclose(out) && !rc)
		rc = err_set(err, -errno, "cannot write %s: %s", o->file, strerror(errno));
	return rc;
}
