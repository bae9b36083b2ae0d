/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "traffic.h"

enum { BYTES_MIN = 28 };

const char options_usage[] =
	"perf-pipeline [--csv] [--quick] [--bars] [--case C[,C...]] [--bytes N[,N...]] \n"
	"              [--peers N[,N...]] [--backend NAME[,NAME...]] [--burst N[,N...]]\n"
	"              [--outer V[,V]] [--rounds N] [--cycle] [--watch KIND] [--filter]\n"
	"Clocks (TSC) that a packet costs one worker over ring ports with real sessions. The\n"
	"rounds of all rows of a case and size are interleaved; medians count, and\n"
	"in each round the middle half of the turns, since any may be preempted.\n"
	"  --csv      columns, in this order (new ones are only added behind):\n"
	"               case            encrypt, decrypt, hairpin; +trace, +capture: --watch;\n"
	"                               +filter: --filter\n"
	"               backend         of the AEAD\n"
	"               bytes           of the inner IPv4 packet, or imix\n"
	"               peers           packets go to that many in random order\n"
	"               workers         1\n"
	"               clk_per_packet  the worker's stages, ports' own calls left out, and\n"
	"                               what reading the clock costs taken off\n"
	"               mpps, gbps      what follows from that; Gbit/s of inner packets\n"
	"               aead_clk        of clk_per_packet, within the AEAD\n"
	"               outer           IP version outside\n"
	"               burst           packets a turn\n"
	"               to_ipsecmb      clk_per_packet by that of ipsecmb's row, all else equal:\n"
	"                               median of the rounds' ratios; empty: there is none\n"
	"               to_first        the same by the row of the first outer and burst;\n"
	"                               empty: it is that row\n"
	"  --quick    11 rounds\n"
	"  --bars     exit 1 when a bar is missed or was not measured\n"
	"  --case     encrypt, decrypt, hairpin (default: all three)\n"
	"  --bytes    of the inner IPv4 packet, 28 to 1420, or imix: 28 x 64, 16 x 570, 4 x 1420\n"
	"             (1518 cut to the tunnel's MTU), drawn at random\n"
	"             (default 64,128,256,512,1024,1420,imix)\n"
	"  --peers    in random order (default 1,1000,10000; at most 60000)\n"
	"  --backend  only these AEADs (default: every one that this machine supports)\n"
	"  --burst    packets a turn, 1 to 64 (default 32,4)\n"
	"  --outer    IP version outside (default 4,6)\n"
	"             Of --outer and --burst the first goes with all rows; a further one is set\n"
	"             beside it once a case, size and backend, with the first of --peers\n"
	"  --rounds   whose median counts (default 41, or fewer, but 7 at least, so that all ends\n"
	"             within a minute on a busy machine; at most 501)\n"
	"  --cycle    packet buffers come round, 8191 of them, as a NIC's ring has it; else those\n"
	"             freed last are used first, and are warm\n"
	"  --watch    trace or capture: each row is followed by one of the same rounds while a\n"
	"             trace, of which no packet is shown, or a capture of all of them runs\n"
	"  --filter   the same with an access filter of 1,000 rules that knows 1,000,000 flows,\n"
	"             to which the packets belong at random; but for hairpin; and a bar of it\n";

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
parse_case(const char *text, unsigned *out)
{
	for (*out = 0; *out < TRAFFIC_CASES; (*out)++) {
		if (strcmp(text, traffic_names[*out]) == 0)
			return 0;
	}
	return -EINVAL;
}

static int
parse_bytes(const char *text, unsigned *out)
{
	if (strcmp(text, "imix") != 0)
		return parse_number(text, BYTES_MIN, RIG_TUNNEL_MTU, out);
	*out = TRAFFIC_IMIX;
	return 0;
}

static int
parse_peers(const char *text, unsigned *out)
{
	return parse_number(text, 1, RIG_MAX_PEERS, out);
}

static int
parse_burst(const char *text, unsigned *out)
{
	return parse_number(text, 1, BURST_MAX, out);
}

static int
parse_outer(const char *text, unsigned *family)
{
	unsigned version = 0;
	int rc = parse_number(text, 4, 6, &version);
	*family = version == 6 ? ADDR_V6 : ADDR_V4;
	return version == 5 ? -EINVAL : rc;
}

static int
parse_list(char *text, int (*parse)(const char *, unsigned *), struct list *out)
{
	char *save = NULL;
	out->n = 0;
	for (char *t = strtok_r(text, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		if (out->n == OPTIONS_MAX_LIST || parse(t, &out->v[out->n]) < 0)
			return -EINVAL;
		out->n++;
	}
	return out->n ? 0 : -EINVAL;
}

static int
parse_backends(char *text, struct options *o)
{
	char *save = NULL;
	o->n_backends = 0;
	for (char *t = strtok_r(text, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		if (o->n_backends == RIG_MAX_BACKENDS)
			return -EINVAL;
		o->backends[o->n_backends++] = t;
	}
	return o->n_backends ? 0 : -EINVAL;
}

static int
parse_watch(const char *text, struct options *o)
{
	o->is_watched = true;
	o->watch_kind = strcmp(text, "capture") == 0 ? WATCH_CAPTURE : WATCH_TRACE;
	return strcmp(text, "capture") == 0 || strcmp(text, "trace") == 0 ? 0 : -EINVAL;
}

static int
take_option(struct options *o, int c)
{
	switch (c) {
	case 'c':
		o->csv = true;
		return 0;
	case 'B':
		o->bars = true;
		return 0;
	case 'q':
		o->rounds = 11;
		return 0;
	case 'a':
		return parse_list(optarg, parse_case, &o->cases);
	case 'b':
		return parse_list(optarg, parse_bytes, &o->bytes);
	case 'p':
		return parse_list(optarg, parse_peers, &o->peers);
	case 'k':
		return parse_backends(optarg, o);
	case 'n':
		return parse_list(optarg, parse_burst, &o->bursts);
	case 'r':
		o->is_patient = true;
		return parse_number(optarg, 1, OPTIONS_MAX_ROUNDS, &o->rounds);
	case 'w':
		return parse_watch(optarg, o);
	case 'f':
		o->is_filtered = true;
		return 0;
	case 'y':
		o->cycles_buffers = true;
		return 0;
	case 'o':
		return parse_list(optarg, parse_outer, &o->outers);
	default:
		return -EINVAL;
	}
}

int
options_parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {{"csv", no_argument, NULL, 'c'},
		{"quick", no_argument, NULL, 'q'},
		{"bars", no_argument, NULL, 'B'}, {"case", required_argument, NULL, 'a'},
		{"bytes", required_argument, NULL, 'b'}, {"peers", required_argument, NULL, 'p'},
		{"backend", required_argument, NULL, 'k'}, {"burst", required_argument, NULL, 'n'},
		{"rounds", required_argument, NULL, 'r'}, {"outer", required_argument, NULL, 'o'},
		{"watch", required_argument, NULL, 'w'}, {"cycle", no_argument, NULL, 'y'},
		{"filter", no_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'}, {0}};
	int c, rc = 0;
	*o = (struct options){
		.cases = {{TRAFFIC_ENCRYPT, TRAFFIC_DECRYPT, TRAFFIC_HAIRPIN}, 3},
		.bytes = {{64, 128, 256, 512, 1024, 1420, TRAFFIC_IMIX}, 7},
		.peers = {{1, 1000, 10000}, 3},
		.outers = {{ADDR_V4, ADDR_V6}, 2},
		.bursts = {{32, 4}, 2},
		.rounds = 41,
	};
	while (rc == 0 && (c = getopt_long(argc, argv, "h", known, NULL)) != -1)
		rc = take_option(o, c);
	return optind < argc ? -EINVAL : rc;
}
