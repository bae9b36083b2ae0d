/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/reload.h"

#include <errno.h>

#include "base/log.h"
#include "control/ctl_server.h"
#include "control/membership.h"
#include "control/transition.h"
#include "host/caps.h"
#include "source/config.h"
#include "source/headscale_files.h"

/* The files as they are now, checked as a whole; NULL with a sentence. */
static struct intent *
load(struct control *c, int *rc, struct err *err)
{
	struct intent *it = intent_create();
	*rc = it ? 0 : err_set(err, -ENOMEM, "no memory to read the config");
	for (unsigned i = 0; i < c->config.n_config_paths && !*rc; i++)
		*rc = config_load(it, c->config.config_paths[i], err);
	for (unsigned i = 0; i < c->config.n_port_options && !*rc; i++)
		*rc = port_option_parse(it, c->config.port_options[i], err);
	if (!*rc)
		*rc = intent_check(it, err);
	if (*rc) {
		intent_destroy(it);
		return NULL;
	}
	return it;
}

static bool
has_commands(const struct intent *it)
{
	for (size_t i = 0; i < it->n_interfaces; i++) {
		if (it->interfaces[i]->hooks.n || it->interfaces[i]->dns)
			return true;
	}
	return false;
}

/* Privileges that were given up at the start, when no command wanted them, do not come back. */
static void
warn_of_bounds(const struct intent *running, const struct intent *wanted)
{
	if (caps_are_bounded() && has_commands(wanted) && !has_commands(running))
		log_warn("the commands and DNS that are new in the config run with headgated's own "
			"privileges alone: a restart gives them root's");
}

static int
reload_now(struct control *c, struct reconcile_report *report, struct err *err)
{
	int rc;
	struct intent *wanted = load(c, &rc, err);
	if (!wanted) {
		log_error("the config was not reloaded: %s", err->text);
		return rc;
	}
	for (size_t i = 0; i < wanted->n_warnings; i++)
		log_warn("%s", wanted->warnings[i]);
	warn_of_bounds(c->running, wanted);
	rc = membership_complete(c, wanted, err);
	if (rc) {
		log_error("the config was not reloaded: %s", err->text);
		intent_destroy(wanted);
		return rc;
	}
	transition_begin(c, wanted, report);
	transition_end(c, report);
	membership_look_again(c);
	membership_peers_changed(c); /* rules that could not be had are not those of before */
	intent_destroy(wanted);
	log_info("config reloaded: %u changes, %u failed, %u need a restart", report->n_applied,
		report->n_failed, report->n_restart);
	return 0;
}

bool
reload_if_wanted(struct control *c)
{
	struct reconcile_report report = {0};
	struct err err = {0};
	if (!c->reload_is_wanted)
		return false;
	c->reload_is_wanted = false;
	int rc = reload(c, &report, &err);
	ctl_answer_reload(c, rc, &report, err.text);
	return true;
}

int
reload(struct control *c, struct reconcile_report *report, struct err *err)
{
	if (c->config.notify)
		notify_reloading(c->config.notify);
	int rc = reload_now(c, report, err);
	if (c->config.notify)
		notify_ready(c->config.notify);
	return rc;
}

int
reload_check(struct control *c, struct err *err)
{
	int rc;
	struct intent *it = load(c, &rc, err);
	if (!rc)
		rc = headscale_files_check(it, err);
	intent_destroy(it);
	return rc;
}
