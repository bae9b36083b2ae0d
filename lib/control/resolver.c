/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"

#define RETRY_FIRST_NS (2 * NS_IN_S)
#define RETRY_MAX_NS (60 * NS_IN_S)

enum { HOST_BYTES = 256 };

struct resolver_job {
	uv_getaddrinfo_t request;
	struct resolver *resolver; /* NULL once forgotten: the answer is thrown away */
	TAILQ_ENTRY(resolver_job) in_jobs;
	uint16_t iface_id;
	struct key peer;
	char host[HOST_BYTES];
	uint16_t port;
	bool is_under_way;
	ns_t retry_at_ns;
	ns_t wait_ns;
};

void
resolver_init(struct resolver *r, uv_loop_t *loop)
{
	r->loop = loop;
	TAILQ_INIT(&r->jobs);
}

static void
forget(struct resolver_job *job)
{
	TAILQ_REMOVE(&job->resolver->jobs, job, in_jobs);
	job->resolver = NULL;
	if (job->is_under_way)
		uv_cancel((uv_req_t *)&job->request); /* its callback frees it */
	else
		free(job);
}

void
resolver_fini(struct resolver *r)
{
	while (r->loop && !TAILQ_EMPTY(&r->jobs))
		forget(TAILQ_FIRST(&r->jobs));
}

void
resolver_forget(struct resolver *r, uint16_t iface_id, const struct key *peer)
{
	struct resolver_job *job;
	TAILQ_FOREACH(job, &r->jobs, in_jobs)
		if (job->iface_id == iface_id && key_is_equal(&job->peer, peer)) {
			forget(job);
			return;
		}
}

static void
try_later(struct resolver_job *job, const char *why)
{
	char text[KEY_SHORT_BYTES];
	log_warn("peer %s: cannot look up its Endpoint %s: %s; trying again in %u s",
		key_short(&job->peer, text), job->host, why, (unsigned)(job->wait_ns / NS_IN_S));
	job->retry_at_ns = clock_boot_ns() + job->wait_ns;
	job->wait_ns = MIN_OF(2 * job->wait_ns, RETRY_MAX_NS);
}

static void
answered(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct resolver_job *job = request->data;
	struct endpoint e = {0};
	job->is_under_way = false;
	if (!job->resolver) {
		uv_freeaddrinfo(list);
		free(job);
		return;
	}
	if (status == 0 && list)
		status = endpoint_from_sockaddr(list->ai_addr, &e);
	uv_freeaddrinfo(list);
	if (status < 0 || !endpoint_is_known(&e)) {
		try_later(job, status < 0 ? uv_strerror(status) : "it has no address");
		return;
	}
	e.port = job->port;
	struct resolver *r = job->resolver;
	r->found(r->ctx, job->iface_id, &job->peer, &e);
	forget(job);
}

static void
ask(struct resolver *r, struct resolver_job *job)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
	job->request.data = job;
	int rc = uv_getaddrinfo(r->loop, &job->request, answered, job->host, NULL, &hints);
	if (rc)
		try_later(job, uv_strerror(rc));
	job->is_under_way = rc == 0;
}

int
resolver_start(struct resolver *r, uint16_t iface_id, const struct key *peer, const char *host,
	uint16_t port)
{
	resolver_forget(r, iface_id, peer);
	struct resolver_job *job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->resolver = r;
	job->iface_id = iface_id;
	job->peer = *peer;
	job->port = port;
	job->wait_ns = RETRY_FIRST_NS;
	snprintf(job->host, sizeof(job->host), "%s", host);
	TAILQ_INSERT_TAIL(&r->jobs, job, in_jobs);
	ask(r, job);
	return 0;
}

void
resolver_tick(struct resolver *r, ns_t now)
{
	struct resolver_job *job;
	TAILQ_FOREACH(job, &r->jobs, in_jobs)
		if (!job->is_under_way && now >= job->retry_at_ns)
			ask(r, job);
}
