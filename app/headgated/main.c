/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * headgated: puts the parts together in one visible order and takes them apart in the reverse.
 *
 *   options → intent → EAL → crypto → pool, mailboxes, tables → ports → exception thread
 *           → workers → control (twins, tunnels, handshakes, sockets) → its loop until SIGTERM
 */
#include <errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "crypto/aead_choose.h"
#include "crypto/init.h"
#include "gateway.h"
#include "host/netfilter.h"
#include "host/netlink.h"
#include "host/restore.h"
#include "mailbox/ring_mode.h"
#include "process.h"
#include "source/config.h"
#include "tailnet/times.h"

enum {
	MAX_PEERS = 250000,
	HANDOFF_SLOTS = 2048,
	KERNEL_BULK_SLOTS = 1024,
	KERNEL_URGENT_SLOTS = 256,
	WORKER_NICE = -20,
};

#ifdef HEADGATE_SHORT_TIMES
static const struct protocol_times *const times = &protocol_times_short;
static const struct tailnet_times *const tailnet_times = &tailnet_times_short;
#else
static const struct protocol_times *const times = &protocol_times_default;
static const struct tailnet_times *const tailnet_times = &tailnet_times_default;
#endif

static int
load_intent(const struct options *o, struct intent **out, struct err *err)
{
	struct intent *it = intent_create();
	int rc = it ? 0 : err_set(err, -ENOMEM, "no memory for the configuration");
	for (unsigned i = 0; !rc && i < o->n_files; i++)
		rc = config_load(it, o->files[i], err);
	for (unsigned i = 0; !rc && i < o->n_ports; i++)
		rc = port_option_parse(it, o->ports[i], err);
	if (!rc)
		rc = intent_check(it, err);
	for (size_t i = 0; it && i < it->n_warnings; i++)
		log_warn("%s", it->warnings[i]);
	if (rc) {
		intent_destroy(it);
		return rc;
	}
	*out = it;
	return 0;
}

static int
set_log_level(const struct options *o, const struct intent *it, struct err *err)
{
	enum log_level level = it->gateway.log_level;
	if (o->log_level && log_level_parse(o->log_level, &level))
		return err_set(err, -EINVAL, "--log-level %s: it is error, warn, info or debug",
			o->log_level);
	log_set_level(level);
	return 0;
}

static int
make_kernel_rings(struct gateway *g, unsigned idx, struct err *err)
{
	struct kernel_rings *r = &g->path.kernel[idx];
	const struct {
		struct frame_ring **ring;
		const char *name;
		uint32_t n_slots;
	} rows[] = {
		{&r->to_kernel_urgent, "hg-tku", KERNEL_URGENT_SLOTS},
		{&r->to_kernel_bulk, "hg-tkb", KERNEL_BULK_SLOTS},
		{&r->from_kernel_urgent, "hg-fku", KERNEL_URGENT_SLOTS},
		{&r->from_kernel_bulk, "hg-fkb", KERNEL_BULK_SLOTS},
	};
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		char name[28];
		snprintf(name, sizeof(name), "%s-%u", rows[i].name, idx);
		*rows[i].ring = frame_ring_create(name, rows[i].n_slots,
			FRAME_RING_ONE_PRODUCER | FRAME_RING_ONE_CONSUMER, err);
		if (!*rows[i].ring)
			return -ENOMEM;
	}
	return 0;
}

static int
start_exception(struct gateway *g, struct err *err)
{
	struct exception_worker lanes[PATH_MAX_WORKERS];
	for (unsigned i = 0; i < g->eal.n_workers; i++) {
		int rc = make_kernel_rings(g, i, err);
		if (rc)
			return rc;
		const struct kernel_rings *r = &g->path.kernel[i];
		lanes[i] = (struct exception_worker){
			.from_kernel = {r->from_kernel_urgent, r->from_kernel_bulk},
			.to_kernel = {r->to_kernel_urgent, r->to_kernel_bulk},
		};
	}
	const struct exception_config config = {
		.pool = (struct frame_pool *)g->pool,
		.workers = lanes,
		.n_workers = g->eal.n_workers,
		.cpu = -1,
	};
	g->exception = exception_start(&config, err);
	return g->exception ? 0 : -EIO;
}

static int
make_path(struct gateway *g, struct err *err)
{
	g->path.tables = g->tables;
	g->path.boxes = &g->boxes;
	g->path.crypto = &g->crypto;
	g->path.pool = g->pool;
	g->path.n_workers = g->eal.n_workers;
	g->path.has_host = g->is_host;
	g->path.idle_sleeps = g->intent->gateway.idle == IDLE_SLEEP;
	for (unsigned i = 0; i < g->eal.n_workers; i++) {
		char name[24];
		snprintf(name, sizeof(name), "hg-handoff-%u", i);
		g->path.handoff[i] = rte_ring_create(name, HANDOFF_SLOTS, SOCKET_ID_ANY,
			RING_MANY_PUT | RING_F_SC_DEQ);
		if (!g->path.handoff[i])
			return err_set(err, -ENOMEM, "no memory for worker %u's ring", i);
		g->workers[i] = worker_create(&g->path, i, err);
		if (!g->workers[i])
			return -ENOMEM;
	}
	return 0;
}

static int
worker_main(void *arg)
{
	struct gateway *g = arg;
	/* Where a worker shares its core it goes first: its NIC's queue holds some milliseconds. */
	if (setpriority(PRIO_PROCESS, (id_t)rte_gettid(), WORKER_NICE))
		log_warn("worker %u cannot go before other processes on its core (%s): it may "
			 "lose packets while they run", rte_lcore_id() - 1, strerror(errno));
	worker_run(g->workers[rte_lcore_id() - 1], &g->stop_workers);
	return 0;
}

static int
start_workers(struct gateway *g, struct err *err)
{
	for (unsigned i = 0; i < g->eal.n_workers; i++) {
		int rc = rte_eal_remote_launch(worker_main, g, i + 1);
		if (rc)
			return err_set(err, rc, "worker %u does not start on core %u", i,
				g->eal.worker_cores[i]);
		g->workers_run = true;
	}
	return 0;
}

/* Tunnel packets pass the kernel's filter by, so rules that would name them must not exist. */
static int
check_netfilter(const struct intent *it, struct err *err)
{
	if (!it->gateway.host || it->gateway.netfilter == NETFILTER_IGNORE)
		return 0;
	char names[INTENT_MAX_PORTS + INTENT_MAX_INTERFACES][IF_NAMESIZE];
	const char *list[INTENT_MAX_PORTS + INTENT_MAX_INTERFACES];
	unsigned n = 0;
	for (size_t i = 0; i < it->n_ports; i++)
		snprintf(names[n++], IF_NAMESIZE, "hg-%.12s", it->ports[i]->name);
	for (size_t i = 0; i < it->n_interfaces; i++)
		snprintf(names[n++], IF_NAMESIZE, "%s", it->interfaces[i]->name);
	for (unsigned i = 0; i < n; i++)
		list[i] = names[i];
	int rc = netfilter_check(list, n, err);
	if (rc && rc != -EPERM) {
		log_warn("%s", err->text);
		rc = 0;
	}
	return rc;
}

static int
take_ports(struct gateway *g, struct err *err)
{
	g->n_ports = (unsigned)g->intent->n_ports;
	if (g->n_ports > TABLES_MAX_PORTS)
		return err_set(err, -EINVAL, "at most %d ports", TABLES_MAX_PORTS);
	if (!g->n_ports)
		return err_set(err, -EINVAL,
			"there is no port: add [Port NAME] sections or --port "
			"wan=net_af_xdp0,iface=eth1");
	g->port_intents = calloc(g->n_ports, sizeof(*g->port_intents));
	if (!g->port_intents)
		return err_set(err, -ENOMEM, "no memory for the ports");
	for (unsigned i = 0; i < g->n_ports; i++)
		g->port_intents[i] = *g->intent->ports[i];
	if (g->is_host) {
		g->netlink = netlink_open(err);
		g->restore = restore_open(RESTORE_DIRECTORY, err);
		if (!g->netlink || !g->restore)
			return -EIO;
	}
	return gateway_ports_open(g, err);
}

static int
start_control(struct gateway *g, const struct options *o, struct err *err)
{
	g->port_ops = (struct control_port_ops){
		.ctx = g,
		.attach = gateway_port_attach,
		.set_link = gateway_port_set_link,
		.link_is_up = gateway_port_link_is_up,
		.worker_turns = gateway_worker_turns,
		.ports_up = gateway_ports_up,
		.fill_status = gateway_fill_status,
		.sample_drops = gateway_sample_drops,
	};
	const struct control_config config = {
		.tables = g->tables,
		.boxes = &g->boxes,
		.exception = g->exception,
		.restore = g->restore,
		.intent = g->intent,
		.config_paths = o->files,
		.n_config_paths = o->n_files,
		.port_options = o->ports,
		.n_port_options = o->n_ports,
		.ports = g->ports,
		.n_ports = g->n_ports,
		.port_ops = &g->port_ops,
		.notify = &g->notify,
		.times = times,
		.tailnet_times = tailnet_times,
		.n_handshakers = 1,
		.n_workers = g->eal.n_workers,
	};
	g->intent = NULL;
	return control_create(&config, &g->control, err);
}

static void
say_found(void *ctx, const char *text)
{
	log_warn("%s", text);
}

/* Before all else: what a run that was killed left would be taken for the machine's own state. */
static void
restore_first(void)
{
	static const struct restore_listener listener = {.say = say_found};
	struct restore_found found;
	struct err err;
	if (restore_leftovers(RESTORE_DIRECTORY, false, &listener, &found, &err))
		log_error("%s", err.text);
}

/* The command line wins over the config, also with `auto`. */
static int
choose_crypto(struct gateway *g, const struct options *o, struct err *err)
{
	const struct gateway_intent *config = &g->intent->gateway;
	char where[INTENT_WHERE_BYTES], by[INTENT_WHERE_BYTES + 16] = "--crypto";
	struct aead_wish wish = {.name = o->crypto, .by = by};

	if (!o->crypto && config->crypto[0]) {
		wish.name = config->crypto;
		snprintf(by, sizeof(by), "Crypto at %s",
			intent_where(g->intent, config->crypto_origin, where));
	}
	if (wish.name && strcmp(wish.name, "auto") == 0)
		wish.name = NULL;
	int rc = aead_choose(&wish, &g->crypto, err);
	if (rc)
		return wish.name ? err_prefix(err, rc, "%s", by) : rc;
	log_info("crypto: %s (%s); beside it: %s (%s)", g->crypto.backend->name, g->crypto.why,
		g->crypto.second.backend ? g->crypto.second.backend->name : "none",
		g->crypto.second_why);
	return 0;
}

static int
start(struct gateway *g, const struct options *o, struct err *err)
{
	g->started_ns = clock_boot_ns();
	g->is_host = g->intent->gateway.host;
	int rc = check_netfilter(g->intent, err);
	if (!rc)
		rc = profiles_load(&g->profiles, HEADGATE_DRIVERS_DIR, err);
	if (!rc)
		rc = eal_start(&g->eal, g->intent, &g->profiles, err);
	if (!rc)
		rc = choose_crypto(g, o, err);
	if (!rc && !(g->pool = eal_make_pool(&g->eal, g->intent, err)))
		rc = -ENOMEM;
	if (!rc && mailboxes_init(&g->boxes, g->eal.n_workers))
		rc = err_set(err, -ENOMEM, "no memory for the mailboxes");
	if (!rc && !(g->tables = tables_create(MAX_PEERS, times, err)))
		rc = -ENOMEM;
	if (!rc)
		rc = make_path(g, err);
	if (!rc)
		rc = take_ports(g, err);
	if (!rc && g->is_host)
		rc = start_exception(g, err);
	if (!rc)
		rc = start_workers(g, err);
	if (!rc)
		rc = start_control(g, o, err);
	return rc;
}

static void
free_rings(struct gateway *g)
{
	for (unsigned i = 0; i < g->eal.n_workers; i++) {
		const struct kernel_rings *r = &g->path.kernel[i];
		struct frame_ring *rings[] = {r->to_kernel_urgent, r->to_kernel_bulk,
			r->from_kernel_urgent, r->from_kernel_bulk};
		for (unsigned k = 0; k < ARRAY_COUNT(rings); k++) {
			if (rings[k])
				frame_ring_destroy(rings[k]);
		}
		rte_ring_free(g->path.handoff[i]);
	}
}

static void
stop(struct gateway *g)
{
	if (g->control)
		control_destroy(g->control);
	__atomic_store_n(&g->stop_workers, true, __ATOMIC_RELEASE);
	if (g->workers_run) {
		rte_eal_mp_wait_lcore();
		rcu_wait_readers(); /* there is none: it tells ThreadSanitizer that all have ended
				     */
	}
	exception_stop(g->exception);
	gateway_ports_close(g);
	for (unsigned i = 0; i < g->eal.n_workers; i++)
		worker_destroy(g->workers[i]);
	if (g->path.n_workers)
		worker_mail_discard(&g->path);
	free_rings(g);
	if (g->tables)
		tables_destroy(g->tables);
	if (g->boxes.n_workers)
		mailboxes_fini(&g->boxes);
	restore_destroy(g->restore);
	netlink_close(g->netlink);
	free(g->port_intents);
	intent_destroy(g->intent);
	if (g->eal.prefix[0])
		eal_stop(&g->eal);
	profiles_fini(&g->profiles);
}

static int
run(const struct options *o, struct err *err)
{
	static struct gateway g;
	process_begin();
	int rc = crypto_init(err);
	if (!rc)
		rc = load_intent(o, &g.intent, err);
	if (!rc)
		rc = set_log_level(o, g.intent, err);
	if (!rc && o->is_check) {
		printf("the configuration is good\n");
		intent_destroy(g.intent);
		return 0;
	}
	if (!rc) {
		restore_first(); /* what was left may take privileges that are given up here */
		rc = process_limit(g.intent, err);
	}
	if (rc) {
		intent_destroy(g.intent);
		return rc;
	}
	process_hold_signals();
	if (notify_open(&g.notify, err))
		log_warn("%s", err->text);
	rc = start(&g, o, err);
	if (!rc) {
		gateway_telemetry_start(&g);
		rc = control_run(g.control);
		if (rc)
			err_set(err, rc, "the control loop broke (%s)", strerror(-rc));
	}
	stop(&g);
	notify_close(&g.notify);
	if (!rc)
		log_info("headgate has ended");
	return rc;
}

static int
tell(const struct options *o)
{
	if (o->is_help) {
		options_print_help();
	} else if (o->is_version) {
		printf("headgated %s\n", HEADGATE_VERSION);
	} else {
		json_t *j = json_pack("{s:s, s:s, s:o}", "program", "headgated", "version",
			HEADGATE_VERSION, "options", cli_describe(&headgated_cli));
		json_dumpf(j, stdout, JSON_INDENT(1));
		json_decref(j);
	}
	return fflush(stdout) ? 1 : 0;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct err err = {""};
	if (options_parse(&o, argv, &err)) {
		fprintf(stderr, "headgated: %s\n", err.text);
		return 2;
	}
	if (o.is_help || o.is_version || o.is_describe)
		return tell(&o);
	if (!o.n_files && !o.n_ports) {
		fprintf(stderr, "headgated: there is no config: -c FILE; see headgated --help\n");
		return 2;
	}
	if (run(&o, &err)) {
		log_error("%s", err.text);
		return 1;
	}
	return 0;
}
