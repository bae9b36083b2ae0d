/* SPDX-License-Identifier: BSD-3-Clause */
/* Wishes and changes of the config that come while something else is under way; no server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "tailnet/client_inner.h"

static struct headscale_intent intent;
static struct tailnet_state state;
static struct client *client;
static uv_loop_t loop;

static void
on_view(void *ctx, struct tailnet_view *view)
{
	view_destroy(view);
}

static void
on_status(void *ctx, const struct tailnet_status *status)
{
}

static void
on_nothing(void *ctx)
{
}

static int
set_up(void **test)
{
	struct err err;
	intent = (struct headscale_intent){.server = "http://127.0.0.1:1"};
	state = (struct tailnet_state){.node_private = {{1}}};
	uv_loop_init(&loop);
	const struct client_config config = {
		.loop = &loop, .intent = &intent, .state_path = "/nowhere/state",
		.state = &state, .times = &tailnet_times_short, .on_view = on_view,
		.on_status = on_status, .on_node_key = on_nothing, .on_stopped = on_nothing,
	};
	client = client_create(&config, &err);
	uv_timer_stop(&client->retry); /* it stays where the test puts it */
	return client ? 0 : -1;
}

static int
tear_down(void **test)
{
	client_stop(client);
	uv_run(&loop, UV_RUN_DEFAULT);
	client_destroy(client);
	return uv_loop_close(&loop);
}

static bool
tries_now(void)
{
	return uv_is_active((uv_handle_t *)&client->retry) &&
		uv_timer_get_due_in(&client->retry) == 0;
}

/* As it is after 'down', while the withdrawal of what was offered waits for its answer. */
static void
go_down(void)
{
	client->status.phase = TAILNET_RUNNING;
	client->wish = TAILNET_WISH_DOWN;
	client->is_leaving = true;
}

/* The end of the withdrawal would be the end of the session by which we log out. */
static void
logout_follows_down(void **test)
{
	go_down();
	client_wish(client, TAILNET_WISH_LOGOUT);
	assert_false(client->is_leaving);
	assert_true(tries_now());
}

static void
up_follows_down(void **test)
{
	go_down();
	client_wish(client, TAILNET_WISH_UP);
	assert_false(client->is_leaving);
	assert_true(tries_now());
}

/* Whoever wants to log out does not wait for the next try. */
static void
logout_of_a_refused_node(void **test)
{
	client->status.phase = TAILNET_REFUSED;
	client->waits_for_login = true;
	client_wish(client, TAILNET_WISH_LOGOUT);
	assert_true(tries_now());
	assert_false(client->waits_for_login);
}

/* A config that names an auth key now, where a person was awaited. */
static void
auth_key_for_login(void **test)
{
	static const struct {
		const char *file;
		bool tries;
	} table[] = {{"", false}, {"/etc/headgate/authkey", true}};
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		client->status.phase = TAILNET_NEEDS_LOGIN;
		client->waits_for_login = true;
		snprintf(intent.auth_key_file, sizeof(intent.auth_key_file), "%s", table[i].file);
		client_changed(client);
		assert_int_equal(client->waits_for_login, !table[i].tries);
		assert_int_equal(tries_now(), table[i].tries);
	}
}

/* What was awaited, and what the last map said of us, is nothing to a node at rest. */
static void
rest_says_nothing(void **test)
{
	client->status.phase = TAILNET_NEEDS_LOGIN;
	client->waits_for_login = true;
	client->status.key_expiry_s = 1;
	strcpy(client->status.auth_url, "https://server.example/register/x");
	client_wish(client, TAILNET_WISH_DOWN);
	assert_int_equal(client->status.phase, TAILNET_DOWN);
	assert_string_equal(client->status.auth_url, "");
	assert_int_equal(client->status.key_expiry_s, 0);
	assert_false(client->waits_for_login);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(logout_follows_down, set_up, tear_down),
		cmocka_unit_test_setup_teardown(up_follows_down, set_up, tear_down),
		cmocka_unit_test_setup_teardown(logout_of_a_refused_node, set_up, tear_down),
		cmocka_unit_test_setup_teardown(auth_key_for_login, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rest_says_nothing, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
