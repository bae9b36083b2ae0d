/* SPDX-License-Identifier: BSD-3-Clause */
/* Spawn, read what it prints, wait with the loop turning, end what does not end. */
#include "control/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/child.h"

enum {
	LOOK_MS = 100,
	WARN_EVERY_MS = 10000,
	KILL_AFTER_MS = 3000,
	LINE_BYTES = 240,
	READ_BYTES = 4096,
};

/* The read end of the pipe that a command prints to; lives until all who have it ended. */
struct hook_output {
	uv_pipe_t pipe;
	struct hook_runner *runner; /* NULL: no longer in its list */
	TAILQ_ENTRY(hook_output) in_outputs;
	char who[48];               /* "wg0: PostUp" */
	char line[LINE_BYTES];
	size_t n_line;
	char last[LINE_BYTES];      /* the last line that was not empty */
	struct log_limit limit;
	bool is_at_end;
	bool is_left;               /* the command has ended; others may still print */
	char room[READ_BYTES];
};

struct running {
	struct hook_runner *runner;
	const struct hook_run *run;
	uv_process_t process;
	uv_timer_t timer;
	struct hook_output *output;
	ns_t began_ns, next_warn_ns, kill_ns;
	int64_t status;
	int signum;
	int rc;           /* why it was ended early */
	bool has_ended;
	unsigned n_open;  /* handles that are not closed yet */
};

/* ---- What it prints ---- */

static void
end_line(struct hook_output *o)
{
	if (!o->n_line)
		return;
	o->line[o->n_line] = 0;
	log_write_limited(&o->limit, LOG_LEVEL_INFO, "%s: %s", o->who, o->line);
	memcpy(o->last, o->line, o->n_line + 1);
	o->n_line = 0;
}

/* Whatever it prints, a log line stays one line of printable characters. */
static void
take_bytes(struct hook_output *o, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)bytes[i];
		if (ch == '\n' || o->n_line == LINE_BYTES - 1)
			end_line(o);
		if (ch != '\n')
			o->line[o->n_line++] = (char)(ch < 0x20 || ch == 0x7f ? ' ' : ch);
	}
}

static void
output_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
output_close(struct hook_output *o)
{
	if (o->runner)
		TAILQ_REMOVE(&o->runner->outputs, o, in_outputs);
	o->runner = NULL;
	if (!uv_is_closing((uv_handle_t *)&o->pipe))
		uv_close((uv_handle_t *)&o->pipe, output_closed);
}

static void
give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct hook_output *o = handle->data;
	*buf = uv_buf_init(o->room, sizeof(o->room));
}

static void
has_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct hook_output *o = stream->data;
	if (n >= 0) {
		take_bytes(o, buf->base, (size_t)n);
		return;
	}
	end_line(o);
	o->is_at_end = true;
	uv_read_stop(stream);
	if (o->is_left)
		output_close(o);
}

/* 0 and the end to write to in *fd. */
static int
output_open(struct running *x, int *fd)
{
	int fds[2];
	struct hook_output *o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC) < 0 || uv_pipe_init(x->runner->loop, &o->pipe, 0)) {
		free(o);
		return -EMFILE;
	}
	o->pipe.data = o;
	o->runner = x->runner;
	o->limit = (struct log_limit){.burst = 100, .every_ns = NS_IN_S / 10};
	snprintf(o->who, sizeof(o->who), "%s: %.*s", x->run->interface,
		(int)strcspn(x->run->what, " "), x->run->what);
	TAILQ_INSERT_TAIL(&x->runner->outputs, o, in_outputs);
	x->output = o;
	*fd = fds[1];
	int rc = uv_pipe_open(&o->pipe, fds[0]);
	if (rc)
		close(fds[0]);
	return rc ? rc : uv_read_start((uv_stream_t *)&o->pipe, give_room, has_read);
}

/* ---- Starting it ---- */

char *
hook_expand(const char *command, const char *interface)
{
	size_t n = 0, n_name = strlen(interface);
	char *out = malloc(strlen(command) * (n_name + 1) + 1);
	for (const char *p = command; out && *p; p++) {
		if (p[0] == '%' && p[1] == 'i') {
			memcpy(out + n, interface, n_name);
			n += n_name;
			p++;
		} else {
			out[n++] = *p;
		}
	}
	if (out)
		out[n] = 0;
	return out;
}

static void
handle_closed(uv_handle_t *handle)
{
	struct running *x = handle->data;
	x->n_open--;
}

static void
has_exited(uv_process_t *process, int64_t status, int signum)
{
	struct running *x = process->data;
	x->has_ended = true;
	x->status = status;
	x->signum = signum;
}

static int
spawn(struct running *x, const char *command, int out_fd)
{
	static const char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
		"LC_ALL=C", NULL};
	bool has_bash = access("/bin/bash", X_OK) == 0;
	const char *argv[] = {has_bash ? "bash" : "sh", "-c", command, NULL};
	uv_stdio_container_t stdio[3] = {
		{.flags = UV_IGNORE},
		{.flags = UV_INHERIT_FD, .data.fd = out_fd},
		{.flags = UV_INHERIT_FD, .data.fd = out_fd},
	};
	const uv_process_options_t options = {
		.exit_cb = has_exited,
		.file = has_bash ? "/bin/bash" : "/bin/sh",
		.args = (char **)(uintptr_t)argv,
		.env = (char **)(uintptr_t)environment,
		.cwd = "/",
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = ARRAY_COUNT(stdio),
		.stdio = stdio,
	};
	child_close_on_exec();
	x->process.data = x;
	int rc = uv_spawn(x->runner->loop, &x->process, &options);
	x->n_open++; /* to be closed even when it did not start */
	return rc;
}

/* ---- Waiting for it ---- */

/* Before control_run lets signals through they wait in the mask. */
static bool
is_cancelled(const struct hook_runner *r, const struct hook_run *run)
{
	sigset_t waiting;
	if (run->is_a_must)
		return false;
	if (r->is_cancelled && *r->is_cancelled)
		return true;
	return sigpending(&waiting) == 0 &&
		(sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1);
}

/* Asks it to end, and after a while does not ask. */
static void
end_it(struct running *x, int rc, ns_t now)
{
	int signum = x->rc && now >= x->kill_ns ? SIGKILL : SIGTERM;
	if (x->rc && signum == SIGTERM)
		return;
	if (!x->rc)
		x->kill_ns = now + (ns_t)KILL_AFTER_MS * NS_IN_MS;
	x->rc = rc;
	(void)kill(-x->process.pid, signum); /* the whole session's group */
}

static void
look(uv_timer_t *timer)
{
	struct running *x = timer->data;
	unsigned limit_ms = x->run->limit_ms ? x->run->limit_ms : HOOK_LIMIT_MS;
	ns_t now = clock_boot_ns();
	unsigned ms = (unsigned)((now - x->began_ns) / NS_IN_MS);
	if (x->has_ended)
		return;
	if (x->rc || ms >= limit_ms) {
		end_it(x, x->rc ? x->rc : -ETIMEDOUT, now);
	} else if (is_cancelled(x->runner, x->run)) {
		end_it(x, -ECANCELED, now);
	} else if (now >= x->next_warn_ns) {
		x->next_warn_ns = now + (ns_t)WARN_EVERY_MS * NS_IN_MS;
		log_warn("%s: %s still runs after %u s; it is ended after %u s",
			x->run->interface, x->run->what, ms / 1000, limit_ms / 1000);
	}
}

static int
start(struct running *x, struct err *err)
{
	int out_fd = -1;
	char *command = hook_expand(x->run->command, x->run->interface);
	int rc = command ? output_open(x, &out_fd) : -ENOMEM;
	if (!rc)
		rc = spawn(x, command, out_fd);
	if (out_fd >= 0)
		close(out_fd);
	if (command)
		secret_wipe(command, strlen(command));
	free(command);
	return rc ? err_set(err, rc, "cannot be started: %s", uv_strerror(rc)) : 0;
}

static void
wait_for_it(struct running *x)
{
	x->timer.data = x;
	uv_timer_init(x->runner->loop, &x->timer);
	x->n_open++;
	uv_timer_start(&x->timer, look, LOOK_MS, LOOK_MS);
	while (!x->has_ended)
		uv_run(x->runner->loop, UV_RUN_ONCE);
	/* Its last words are in the pipe already; who still runs in the background may keep it. */
	uv_run(x->runner->loop, UV_RUN_NOWAIT);
	uv_close((uv_handle_t *)&x->timer, handle_closed);
}

static int
judge(const struct running *x, struct err *err)
{
	bool has_words = x->output && x->output->last[0];
	const char *words = has_words ? x->output->last : "it printed nothing";
	if (x->rc == -ETIMEDOUT)
		return err_set(err, x->rc, "did not end in time and was ended: %s", words);
	if (x->rc)
		return err_set(err, x->rc, "was ended, since headgated is to end");
	if (x->signum)
		return err_set(err, -EIO, "ended by signal %d: %s", x->signum, words);
	if (x->status)
		return err_set(err, -EIO, "failed with exit status %d: %s", (int)x->status, words);
	return 0;
}

int
hook_run(struct hook_runner *r, const struct hook_run *run, struct err *err)
{
	struct running x = {.runner = r, .run = run, .began_ns = clock_boot_ns()};
	x.next_warn_ns = x.began_ns + (ns_t)HOOK_WARN_MS * NS_IN_MS;
	int rc = is_cancelled(r, run) ?
		err_set(err, -ECANCELED, "is not run: headgated is to end") : start(&x, err);
	if (!rc) {
		wait_for_it(&x);
		rc = judge(&x, err);
	}
	if (x.n_open)
		uv_close((uv_handle_t *)&x.process, handle_closed);
	if (x.output)
		x.output->is_left = true;
	if (x.output && (rc || x.output->is_at_end))
		output_close(x.output);
	while (x.n_open)
		uv_run(r->loop, UV_RUN_ONCE);
	return rc ? err_prefix(err, rc, "%s: %s", run->interface, run->what) : 0;
}

/* ---- Life ---- */

void
hook_runner_init(struct hook_runner *r, uv_loop_t *loop, const bool *is_cancelled_flag)
{
	sigset_t ended;
	*r = (struct hook_runner){.loop = loop, .is_cancelled = is_cancelled_flag};
	TAILQ_INIT(&r->outputs);
	/* The loop hears of ends by this signal, in this thread, whatever it inherited. */
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	pthread_sigmask(SIG_UNBLOCK, &ended, NULL);
}

void
hook_runner_fini(struct hook_runner *r)
{
	while (r->loop && !TAILQ_EMPTY(&r->outputs))
		output_close(TAILQ_FIRST(&r->outputs));
}
