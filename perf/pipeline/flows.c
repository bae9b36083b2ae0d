/* SPDX-License-Identifier: BSD-3-Clause */
#include "flows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "filter/filter.h"
#include "rig.h"
#include "traffic.h"
#include "wire/ip.h"

enum {
	FIRST_PORT = 1024,
	PEER_PORTS = 50000,
	LAN_PORT = 4001,
	FRESH_S = 5, /* well below what the filter lets pass unnoted */
};

uint32_t
flows_of_peer(const struct world *world)
{
	return FLOWS_COUNT / world->n_peers;
}

struct flow_ports
flows_ports(uint32_t flow)
{
	return (struct flow_ports){
		.peer = (uint16_t)(FIRST_PORT + flow % PEER_PORTS),
		.lan = (uint16_t)(LAN_PORT + flow / PEER_PORTS),
	};
}

/* Half of the rules are about other hosts, and half about other services of this one. */
static int
add_rule(struct filter_plan *plan, unsigned i)
{
	struct filter_rule rule = {0};
	char text[128];
	unsigned last = i == FLOWS_RULES - 1;
	if (last)
		snprintf(text, sizeof(text), "10.0.0.0/8 -> 192.168.10.9 : udp/%u-65535", LAN_PORT);
	else
		snprintf(text, sizeof(text), "10.0.%u.0/24, fd00:%x::/32 -> 192.168.%u.%u : tcp/%u",
			i % 256, i, 10 + i % 2, i % 2 ? i % 256 : 9, 22 + i);
	int rc = filter_rule_parse(text, &rule, NULL);
	if (!rc)
		rc = filter_plan_add(plan, &rule);
	filter_rule_fini(&rule);
	return rc;
}

int
flows_create(struct world *world, struct err *err)
{
	struct filter_plan plan = {.is_on = true, .max_flows = FLOWS_COUNT};
	int rc = 0;
	for (unsigned i = 0; i < FLOWS_RULES && !rc; i++)
		rc = add_rule(&plan, i);
	if (rc)
		err_set(err, rc, "cannot make the filter's rules");
	else
		world->filter = filter_create(&plan, NULL, 1, err);
	filter_plan_fini(&plan);
	return world->filter ? 0 : -ENOMEM;
}

void
flows_destroy(struct world *world)
{
	if (world->filter)
		world->filter->owns_flows = true;
	filter_destroy(world->filter);
	world->config.tables->filter = NULL;
}

/* One packet each way, the peer's first: a rule lets the flow in, and it is answered. */
static void
note(struct world *world, uint32_t peer, uint32_t flow, ns_t now_ns)
{
	uint8_t there[IPV4_BYTES + UDP_BYTES], back[IPV4_BYTES + UDP_BYTES];
	traffic_fill_headers(there, peer, TRAFFIC_LAN_HOST, flow);
	traffic_fill_headers(back, TRAFFIC_LAN_HOST, peer, flow);
	struct filter_query q = {.ip = there, .n_bytes = sizeof(there), .family = ADDR_V4};
	filter_look(world->filter, &q, 1);
	filter_from_tunnel(world->filter, &q, 1, now_ns);
	q.ip = back;
	filter_look(world->filter, &q, 1);
	filter_into_tunnel(world->filter, &q, 1, now_ns);
}

void
flows_switch(struct world *world, bool is_on)
{
	ns_t now_ns = clock_boot_ns();
	world->config.tables->filter = is_on ? world->filter : NULL;
	if (!is_on || (world->noted_ns && now_ns - world->noted_ns < FRESH_S * NS_IN_S))
		return;
	world->noted_ns = now_ns;
	for (uint32_t flow = 0; flow < flows_of_peer(world); flow++) {
		for (uint32_t peer = 0; peer < world->n_peers; peer++)
			note(world, peer, flow, now_ns);
	}
}
