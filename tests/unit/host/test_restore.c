/* SPDX-License-Identifier: BSD-3-Clause */
/* The restore file: what is read is what was written, or nothing at all is done. */
#include "sandbox.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "host/restore_inner.h"
#include "host/sysctl.h"

static struct err err;

struct address_message {
	struct nlmsghdr head;
	struct ifaddrmsg body;
	struct nlattr local;
	uint8_t bytes[4];
};

static const struct address_message address = {
	{sizeof(address), RTM_NEWADDR, NLM_F_REQUEST | NLM_F_CREATE, 0, 0},
	{.ifa_family = 2, .ifa_prefixlen = 24, .ifa_index = 1},
	{8, 2},
	{10, 0, 0, 1},
};
static const struct address_message too_long = {.head = {sizeof(address) + 2, RTM_NEWADDR, 0, 0, 0},
	.local = {8, 2}};
static const struct address_message other_type = {
	.head = {sizeof(address), RTM_NEWLINK, 0, 0, 0}};

static const struct restore_step good[] = {
	{.kind = RESTORE_SYSCTL, .owner = "port wan", .what = "net/ipv4/ip_forward", .value = "0"},
	{.kind = RESTORE_FLAGS, .owner = "a%b c", .device = "eth1", .flags = 1, .mask = 0x101},
	{.kind = RESTORE_NFT_TABLE, .owner = "x", .what = "headgate_12"},
	{.kind = RESTORE_NETLINK, .owner = "x", .what = "put 10.0.0.1/24 back", .device = "eth1",
		.ifindex = 7, .message = &address.head},
	{.kind = RESTORE_COMMAND, .owner = "wg0", .what = "run PostDown", .value =
		"echo \"\xc3\xa4 100 %\"\n\ttrue"},
	{.kind = RESTORE_MTU, .owner = "x", .device = "eth1", .flags = 1500},
	{.kind = RESTORE_XDP, .owner = "x", .device = "eth1", .flags = 77},
};

static const struct restore_step bad[] = {
	{.kind = RESTORE_SYSCTL, .what = "net/ipv4/ip_forward", .value = "0"},
	{.kind = RESTORE_SYSCTL, .owner = "x", .what = "kernel/core_pattern", .value = "|sh"},
	{.kind = RESTORE_SYSCTL, .owner = "x", .what = "net/../kernel/core_pattern", .value = "0"},
	{.kind = RESTORE_SYSCTL, .owner = "x", .what = "net/ipv4/ip_forward"},
	{.kind = RESTORE_FLAGS, .owner = "x", .device = "../eth1", .mask = 1},
	{.kind = RESTORE_FLAGS, .owner = "x", .device = "eth1", .mask = 1 << 20},
	{.kind = RESTORE_NFT_TABLE, .owner = "x", .what = "filter"},
	{.kind = RESTORE_NFT_TABLE, .owner = "x", .what = "headgate_1\ndelete table inet filter"},
	{.kind = RESTORE_NETLINK, .owner = "x", .what = "w"},
	{.kind = RESTORE_NETLINK, .owner = "x", .what = "w", .message = &other_type.head},
	{.kind = RESTORE_NETLINK, .owner = "x", .what = "w", .ifindex = 3,
		.message = &address.head},
	{.kind = RESTORE_NETLINK, .owner = "x", .message = &address.head},
	{.kind = RESTORE_COMMAND, .owner = "x", .what = "w"},
	{.kind = RESTORE_MTU, .owner = "x", .device = "eth1", .flags = 9},
	{.kind = RESTORE_MTU, .owner = "x", .flags = 1500},
	{.kind = RESTORE_XDP, .owner = "x", .device = "a name that is too long"},
};

static const char *
text_or_empty(const char *text)
{
	return text ? text : "";
}

static void
assert_same(const struct restore_step *a, const struct restore_step *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(text_or_empty(a->owner), text_or_empty(b->owner));
	assert_string_equal(text_or_empty(a->what), text_or_empty(b->what));
	assert_string_equal(text_or_empty(a->value), text_or_empty(b->value));
	assert_string_equal(text_or_empty(a->device), text_or_empty(b->device));
	assert_int_equal(a->ifindex, b->ifindex);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->mask, b->mask);
	assert_int_equal(!a->message, !b->message);
	if (a->message)
		assert_memory_equal(a->message, b->message, a->message->nlmsg_len);
}

static void
a_step_survives_its_line(void **state)
{
	uint8_t aligned[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
		struct restore_step out;
		bool is_live;
		char *line = restore_line_format(&good[i]);
		assert_non_null(line);
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		line[strlen(line) - 1] = 0;
		assert_int_equal(restore_line_parse(line, &out, &is_live, aligned, &err), 0);
		assert_true(is_live);
		assert_same(&out, &good[i]);
		free(line);
	}
}

static void
an_unsound_step_is_neither_noted_nor_read(void **state)
{
	uint8_t aligned[RESTORE_MESSAGE_BYTES] __attribute__((aligned(8)));
	struct restore *r = restore_create();
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		struct restore_step out;
		bool is_live;
		assert_int_equal(restore_note(r, &bad[i], &err), -EINVAL);
		char *line = restore_line_format(&bad[i]);
		line[strlen(line) - 1] = 0;
		assert_int_equal(restore_line_parse(line, &out, &is_live, aligned, &err), -EBADMSG);
		free(line);
	}
	const struct restore_step cut = {.kind = RESTORE_NETLINK, .owner = "x", .what = "w",
		.message = &too_long.head};
	assert_non_null(restore_step_fault(&cut));
	assert_int_equal(restore_count(r), 0);
	restore_destroy(r);
}

/* A whole file of the good steps, in *text. */
static size_t
file_text(char **text)
{
	const struct restore_process p = {.pid = 12, .start_ticks = 34, .boot_id = "b"};
	size_t n;
	FILE *out = open_memstream(text, &n);
	char *line = restore_header_format(&p);
	fputs(line, out);
	free(line);
	for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
		line = restore_line_format(&good[i]);
		fputs(line, out);
		free(line);
	}
	fclose(out);
	return n;
}

static struct restore *
parse_copy(const char *text, size_t n)
{
	struct restore_process p;
	char *copy = malloc(n + 1);
	memcpy(copy, text, n);
	copy[n] = 0;
	struct restore *r = restore_parse(copy, n, &p, &err);
	free(copy);
	return r;
}

static void
no_changed_byte_passes(void **state)
{
	char *text;
	size_t n = file_text(&text);
	struct restore *r = parse_copy(text, n);
	assert_non_null(r);
	assert_int_equal(restore_count(r), ARRAY_COUNT(good));
	restore_destroy(r);
	for (size_t i = 0; i < n; i++) {
		char was = text[i];
		bool is_marker = i && text[i - 1] == '\n';
		/* The last newline may be missing; a marker may say that the step is undone. */
		if (i == n - 1)
			continue;
		for (unsigned k = 0; k < 8; k++) {
			text[i] = (char)(was ^ 1 << k);
			if (is_marker && text[i] == '-')
				continue;
			r = parse_copy(text, n);
			if (r)
				print_error("byte %zu as %02x passes\n", i, (uint8_t)text[i]);
			assert_null(r);
		}
		text[i] = was;
	}
	free(text);
}

static void
a_file_that_ends_early_has_its_whole_lines(void **state)
{
	char *text;
	size_t n = file_text(&text);
	for (size_t cut = 0; cut < n; cut++) {
		unsigned n_lines = 0;
		for (size_t i = 0; i < cut; i++)
			n_lines += text[i] == '\n';
		struct restore *r = parse_copy(text, cut);
		assert_int_equal(!r, n_lines == 0);
		assert_int_equal(r ? restore_count(r) + 1 : 0, n_lines);
		restore_destroy(r);
	}
	free(text);
}

/* ---- Files ---- */

static char directory[] = "/tmp/headgate-restore-XXXXXX";

static void
make_directory(void)
{
	sandbox_or_skip();
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
}

static void
remove_directory(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s", directory);
	shell(command);
}

static void
heard(void *ctx, const char *text)
{
	char *all = ctx;
	size_t n = strlen(all);
	snprintf(all + n, 4096 - n, "%s\n", text);
}

static int
look(bool is_dry_run, struct restore_found *found, char said[4096])
{
	const struct restore_listener listener = {heard, said};
	said[0] = 0;
	return restore_leftovers(directory, is_dry_run, &listener, found, &err);
}

/* Two commands that write their order into a file, and a sysctl; then the process "is killed". */
static void
leave_behind(struct restore **out)
{
	char command[2][128];
	struct restore *r = restore_open(directory, &err);
	assert_non_null(r);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(command[i], sizeof(command[i]), "echo %u >>%s/done", i, directory);
		const struct restore_step s = {.kind = RESTORE_COMMAND, .owner = "wg0",
			.what = i ? "run the second" : "run the first", .value = command[i]};
		assert_int_equal(restore_note(r, &s, &err), 0);
	}
	const struct restore_step s = {.kind = RESTORE_SYSCTL, .owner = "port wan",
		.what = "net/ipv4/conf/lo/forwarding", .value = "1"};
	assert_int_equal(restore_note(r, &s, &err), 0);
	if (out)
		*out = r;
	else
		restore_destroy(r);
}

static void
assert_done(const char *want)
{
	char path[64], got[64] = "";
	snprintf(path, sizeof(path), "%s/done", directory);
	FILE *f = fopen(path, "r");
	if (f) {
		got[fread(got, 1, sizeof(got) - 1, f)] = 0;
		fclose(f);
	}
	assert_string_equal(got, want);
}

static void
what_is_left_is_undone_once_and_in_reverse(void **state)
{
	struct restore_found found;
	char said[4096], value[SYSCTL_VALUE_BYTES];
	make_directory();
	leave_behind(NULL);
	assert_int_equal(look(true, &found, said), 0);
	assert_int_equal(found.n_steps, 3);
	assert_non_null(strstr(said, "wg0: would run the first"));
	assert_done("");
	assert_int_equal(look(false, &found, said), 0);
	assert_int_equal(found.n_steps, 3);
	assert_done("1\n0\n");
	assert_int_equal(sysctl_read("net/ipv4/conf/lo/forwarding", value, &err), 0);
	assert_string_equal(value, "1");
	assert_int_equal(look(false, &found, said), 0);
	assert_int_equal(found.n_files, 0);
	assert_string_equal(said, "");
	remove_directory();
}

static void
a_living_process_is_left_alone(void **state)
{
	struct restore_found found;
	struct restore *r;
	struct netlink *nl;
	char said[4096];
	make_directory();
	nl = netlink_open(&err);
	leave_behind(&r);
	assert_int_equal(look(false, &found, said), 0);
	assert_int_equal(found.n_living, 1);
	assert_done("");
	restore_forget_of(r, "port wan");
	assert_int_equal(restore_undo_of(r, "nobody", nl, &err), 0);
	assert_int_equal(restore_count(r), 2);
	assert_int_equal(restore_undo(r, nl, &err), 0);
	assert_done("1\n0\n");
	restore_destroy(r);
	assert_int_equal(look(false, &found, said), 0);
	assert_int_equal(found.n_living + found.n_files, 0);
	netlink_close(nl);
	remove_directory();
}

/* Each makes the file one that nobody may trust. */
static void
a_file_that_is_not_to_be_trusted_is_not_touched(void **state)
{
	static const char *const spoil[] = {
		"chmod 644 *.restore",
		"mv *.restore x; ln -s x 1-1.restore",
		"ln *.restore x",
		"echo '+ 00000000 command x x x %- 0 0 0 %-' | tee -a *.restore >x",
		"echo | tee -a *.restore >x",
		"printf '\\0\\n' | tee -a *.restore >x",
		"sed -i 2s/first/worst/ *.restore",
		"sed -i 1d *.restore",
		"truncate -s 0 *.restore",
		"chmod 770 .",
		"chown 1 *.restore",
		"mv *.restore x; mkfifo -m 600 1-1.restore",
	};
	for (size_t i = 0; i < ARRAY_COUNT(spoil); i++) {
		struct restore_found found;
		char command[256], said[4096];
		make_directory();
		leave_behind(NULL);
		snprintf(command, sizeof(command), "cd %s && { %s; }", directory, spoil[i]);
		shell(command);
		int rc = look(false, &found, said);
		if (rc >= 0 || said[0])
			print_error("%s: %d %s\n", spoil[i], rc, said);
		assert_true(rc < 0);
		assert_done("");
		remove_directory();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_survives_its_line),
		cmocka_unit_test(an_unsound_step_is_neither_noted_nor_read),
		cmocka_unit_test(no_changed_byte_passes),
		cmocka_unit_test(a_file_that_ends_early_has_its_whole_lines),
		cmocka_unit_test(what_is_left_is_undone_once_and_in_reverse),
		cmocka_unit_test(a_living_process_is_left_alone),
		cmocka_unit_test(a_file_that_is_not_to_be_trusted_is_not_touched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
