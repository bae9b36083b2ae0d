/* SPDX-License-Identifier: BSD-3-Clause */
#include "aead_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char aead_usage[] =
	"perf-aead [--csv] [--bars] [--margin P] [--backend NAME[,NAME...]] [--bytes N[,N...]]\n"
	"          [--burst N[,N...]] [--rounds N] [--one-key] [--offset N]\n"
	"Clocks (TSC) that sealing and opening a packet cost, by backend, size and burst. Beside\n"
	"the backends stand `auto`, what the gateway would use, and `limit-avx512`,\n"
	"`limit2-avx512`, `limit-avx2`: what the blocks alone would cost in full SIMD lanes\n"
	"(perf/micro/limit.h).\n"
	"  --csv      columns backend,direction,bytes,burst,clk_per_packet,x_ipsecmb,x_portable,\n"
	"             over_limit: how many times faster than ipsecmb and than portable\n"
	"             (libsodium), how many times the component limit (AVX2's for avx2, else that\n"
	"             of the widest SIMD unit here); medians over the rounds; - for no ratio\n"
	"  --bars     the ratios that the project promises, each with holds or MISSED; exit 1\n"
	"             when one is missed or was not measured; those of a backend that this\n"
	"             machine does not support are not judged\n"
	"  --margin   percent by which a bar may be missed, 0 to 100 (default 0)\n"
	"  --backend  only these (default: all that this machine supports, and auto)\n"
	"  --bytes    of plain text, 0 to 9000; or imix: 28 x 64, 16 x 570, 4 x 1518, shuffled;\n"
	"             or random: 0 to 1518 (default 64,128,256,512,1024,1424,imix)\n"
	"  --burst    packets a call, 1 to 256 (default 1,2,3,4,16,64)\n"
	"  --rounds   whose median counts (default 151; 7 to 1001)\n"
	"  --one-key  for all packets (default: each has its own)\n"
	"  --offset   of the data from the start of a cache line, 0 to 63 (default 0)\n";

static int
parse_number(const char *text, unsigned min, unsigned max, unsigned *out)
{
	char *end;

	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (errno || end == text || *end || v < min || v > max)
		return -EINVAL;
	*out = (unsigned)v;
	return 0;
}

static int
parse_bytes(const char *text, unsigned *out)
{
	if (strcmp(text, "imix") == 0)
		*out = AEAD_IMIX;
	else if (strcmp(text, "random") == 0)
		*out = AEAD_RANDOM;
	else
		return parse_number(text, 0, AEAD_MAX_BYTES, out);
	return 0;
}

static int
parse_burst(const char *text, unsigned *out)
{
	return parse_number(text, 1, AEAD_MAX_BURST, out);
}

static int
parse_list(char *text, int (*parse)(const char *, unsigned *), struct aead_list *out)
{
	char *save = NULL;

	out->n = 0;
	for (char *t = strtok_r(text, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		if (out->n == AEAD_MAX_LIST || parse(t, &out->v[out->n]) < 0)
			return -EINVAL;
		out->n++;
	}
	return out->n ? 0 : -EINVAL;
}

static int
take_option(struct aead_options *o, int c)
{
	switch (c) {
	case 'c':
		o->is_csv = true;
		return 0;
	case 'B':
		o->has_bars = true;
		return 0;
	case '1':
		o->has_one_key = true;
		return 0;
	case 'm':
		return parse_number(optarg, 0, 100, &o->margin_percent);
	case 'k':
		o->backends = optarg;
		return 0;
	case 'b':
		return parse_list(optarg, parse_bytes, &o->bytes);
	case 'n':
		return parse_list(optarg, parse_burst, &o->bursts);
	case 'r':
		return parse_number(optarg, 7, AEAD_MAX_ROUNDS, &o->rounds);
	case 'o':
		return parse_number(optarg, 0, 63, &o->offset);
	default:
		return -EINVAL;
	}
}

int
aead_options_parse(int argc, char **argv, struct aead_options *o)
{
	static const struct option known[] = {{"csv", no_argument, NULL, 'c'},
		{"bars", no_argument, NULL, 'B'}, {"one-key", no_argument, NULL, '1'},
		{"backend", required_argument, NULL, 'k'}, {"bytes", required_argument, NULL, 'b'},
		{"burst", required_argument, NULL, 'n'}, {"rounds", required_argument, NULL, 'r'},
		{"offset", required_argument, NULL, 'o'},
		{"margin", required_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'}, {0}};
	int c, rc = 0;

	*o = (struct aead_options){.bytes = {{64, 128, 256, 512, 1024, 1424, AEAD_IMIX}, 7},
		.bursts = {{1, 2, 3, 4, 16, 64}, 6},
		.rounds = 151};
	while (rc == 0 && (c = getopt_long(argc, argv, "h", known, NULL)) != -1)
		rc = take_option(o, c);
	return optind < argc ? -EINVAL : rc;
}

void
aead_bytes_format(unsigned bytes, char out[16])
{
	if (bytes == AEAD_IMIX)
		snprintf(out, 16, "imix");
	else if (bytes == AEAD_RANDOM)
		snprintf(out, 16, "random");
	else
		snprintf(out, 16, "%u", bytes);
}
