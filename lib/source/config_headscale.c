/* SPDX-License-Identifier: BSD-3-Clause */
/* [Headscale]: the tailnet that this file's interface is a node of. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "source/config_reader.h"
#include "source/headscale/key_text.h"
#include "source/headscale/proxy.h"
#include "source/headscale/server_url.h"

#define TAG_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
#define NAME_CHARS TAG_CHARS "."
#define STATE_FILE "/var/lib/headgate/tailnet.state"

/* Of the machine's name its first label, as far as it is one. */
static void
default_hostname(char out[HEADSCALE_NAME_BYTES])
{
	char name[256] = "";
	size_t n = 0;
	gethostname(name, sizeof(name) - 1);
	for (; isalnum((unsigned char)name[n]) || name[n] == '-'; n++)
		name[n] = (char)tolower((unsigned char)name[n]);
	n = MIN_OF(n, HEADSCALE_NAME_BYTES - 1u);
	snprintf(out, HEADSCALE_NAME_BYTES, "%.*s", (int)n, n ? name : "");
	if (!n)
		strcpy(out, "headgate");
}

static int
headscale_begin(struct config_reader *r, const char *argument)
{
	int rc = config_interface(r);
	if (rc < 0)
		return rc;
	if (r->interface->headscale)
		return config_error(r, "a second [Headscale] in one file");
	struct headscale_intent *h = r->interface->headscale = headscale_intent_create();
	if (!h)
		return -ENOMEM;
	h->origin = config_here(r);
	strcpy(h->state_file, STATE_FILE);
	default_hostname(h->hostname);
	return 0;
}

static int
read_server(struct config_reader *r, char *value)
{
	struct headscale_intent *h = r->interface->headscale;
	struct server_url url;
	size_t n = strlen(value);
	if (n && value[n - 1] == '/')
		value[n - 1] = 0;
	if (server_url_parse(value, &url) || strcmp(url.path, "/") != 0)
		return -EINVAL;
	return value_text(value, h->server, sizeof(h->server));
}

static int
read_server_key(struct config_reader *r, char *value)
{
	struct key *k = &r->interface->headscale->server_key;
	return key_text_parse(KEY_TEXT_MACHINE, value, k) || key_is_zero(k) ? -EINVAL : 0;
}

static int
read_path(const char *value, char out[HEADSCALE_TEXT_BYTES])
{
	return value[0] == '/' ? value_text(value, out, HEADSCALE_TEXT_BYTES) : -EINVAL;
}

static int
read_ca_file(struct config_reader *r, char *value)
{
	return read_path(value, r->interface->headscale->ca_file);
}

/* Its sentence cites no value: there may be a password in it. */
static int
read_proxy(struct config_reader *r, char *value)
{
	struct headscale_intent *h = r->interface->headscale;
	struct proxy proxy;
	bool is_none = strcmp(value, "none") == 0;
	int rc = is_none ? 0 : proxy_parse(value, &proxy);
	if (!rc && !is_none && proxy.login[0])
		r->holds_keys = true;
	secret_wipe(&proxy, sizeof(proxy));
	if (rc || strlen(value) >= sizeof(h->proxy))
		return config_error(r, "Proxy is to be an http URL, like "
			"http://proxy.example.com:3128 or http://USER:PASSWORD@HOST:PORT, or none");
	strcpy(h->proxy, value);
	return 0;
}

static int
read_auth_key_file(struct config_reader *r, char *value)
{
	return read_path(value, r->interface->headscale->auth_key_file);
}

static int
read_state_file(struct config_reader *r, char *value)
{
	return read_path(value, r->interface->headscale->state_file);
}

/* Servers turn other characters into something else, and then nobody finds the node. */
static int
read_hostname(struct config_reader *r, char *value)
{
	struct headscale_intent *h = r->interface->headscale;
	size_t n = strlen(value);
	if (n == 0 || n >= HEADSCALE_NAME_BYTES || value[0] == '-' || value[n - 1] == '-' ||
		strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
		return -EINVAL;
	return value_text(value, h->hostname, sizeof(h->hostname));
}

static int
read_route(struct config_reader *r, char *item)
{
	struct prefix p;
	struct headscale_intent *h = r->interface->headscale;
	if (prefix_parse(item, &p))
		return -EINVAL;
	if (p.len == 0)
		return config_error(r, "%s is everything, which a route of a network is not", item);
	p = prefix_masked(&p);
	int rc = prefix_list_add(&h->routes, &p);
	if (rc == -EEXIST)
		return config_error(r, "AdvertiseRoutes has %s twice: take one out", item);
	if (rc == -ENOSPC)
		return config_error(r, "more than %d routes in AdvertiseRoutes",
			INTENT_MAX_ADDRESSES);
	return rc;
}

static int
read_routes(struct config_reader *r, char *value)
{
	return value_list(r, value, read_route);
}

/* Others are to reach it from anywhere, so it is neither a multicast address nor a link's own. */
static int
read_endpoint(struct config_reader *r, char *item)
{
	struct headscale_intent *h = r->interface->headscale;
	struct endpoint e;
	if (endpoint_parse(item, &e) || !e.port || addr_is_zero(&e.addr) ||
		addr_is_multicast(&e.addr) || addr_is_link_local(&e.addr))
		return -EINVAL;
	if (h->n_endpoints == HEADSCALE_MAX_ENDPOINTS)
		return config_error(r, "more than %d endpoints in Endpoints",
			HEADSCALE_MAX_ENDPOINTS);
	h->endpoints[h->n_endpoints++] = e;
	return 0;
}

static int
read_endpoints(struct config_reader *r, char *value)
{
	return value_list(r, value, read_endpoint);
}

static int
read_yes(const char *value, bool *out)
{
	static const char *const words[] = {"no", "yes"};
	unsigned word;
	if (value_word(value, words, ARRAY_COUNT(words), &word) < 0)
		return -EINVAL;
	*out = word;
	return 0;
}

static int
read_accept_routes(struct config_reader *r, char *value)
{
	return read_yes(value, &r->interface->headscale->accepts_routes);
}

static int
read_ephemeral(struct config_reader *r, char *value)
{
	return read_yes(value, &r->interface->headscale->is_ephemeral);
}

static int
read_exit_node(struct config_reader *r, char *value)
{
	return read_yes(value, &r->interface->headscale->offers_exit);
}

/* The name is compared with those of nodes, so it is one that a node can have. */
static int
read_exit_by(struct config_reader *r, char *value)
{
	struct headscale_intent *h = r->interface->headscale;
	struct addr a;
	size_t n = strlen(value);
	if (addr_parse(value, &a) && (n == 0 || value[0] == '.' || value[0] == '-' ||
		strspn(value, NAME_CHARS) != n))
		return -EINVAL;
	if (value[n - 1] == '.')
		value[n - 1] = 0;
	return value_text(value, h->exit_node, sizeof(h->exit_node));
}

static int
read_tag(struct config_reader *r, char *item)
{
	struct headscale_intent *h = r->interface->headscale;
	size_t n = strlen(h->tags), n_item = strlen(item);
	if (strncmp(item, "tag:", 4) != 0 || n_item < 5 ||
		strspn(item + 4, TAG_CHARS) != n_item - 4)
		return -EINVAL;
	if (n + n_item + 2 > sizeof(h->tags))
		return config_error(r, "Tags are too many");
	snprintf(h->tags + n, sizeof(h->tags) - n, "%s%s", n ? "," : "", item);
	return 0;
}

static int
read_tags(struct config_reader *r, char *value)
{
	return value_list(r, value, read_tag);
}

static const struct config_key headscale_keys[] = {
	{"Server", read_server, "an http or https URL without a path",
		"https://headscale.example.com", "the coordination server"},
	{"ServerKey", read_server_key, "mkey: and 64 hexadecimal digits",
		"mkey:07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c",
		"the only key that the server may have; needed where Server is plain http"},
	{"CAFile", read_ca_file, "an absolute path", "/etc/headgate/ca.pem",
		"certificates to trust for Server beside the system's"},
	{"Proxy", read_proxy, "an http URL, or none", "http://proxy.example.com:3128",
		"HTTP proxy on the way to Server; default: that of HTTPS_PROXY or HTTP_PROXY in "
		"the environment, unless NO_PROXY has the server"},
	{"AuthKeyFile", read_auth_key_file, "an absolute path", "/etc/headgate/authkey",
		"file with a pre-authentication key (mode 0600); without one a person lets us in"},
	{"StateFile", read_state_file, "an absolute path", STATE_FILE,
		"where the node's identity is kept (mode 0600); made at the first start"},
	{"Hostname", read_hostname, "a name of a-z, 0-9 and -", "hub1",
		"the node's name; default: the machine's"},
	{"AdvertiseRoutes", read_routes, "a list of prefixes", "192.168.10.0/24",
		"networks behind this gateway that peers may reach once the server approves"},
	{"AdvertiseExitNode", read_exit_node, "yes or no", "no",
		"whether peers may reach the internet by way of this gateway"},
	{"ExitNode", read_exit_by, "a node's name or address in the tailnet", "hub1",
		"the node by which hosts behind this gateway reach the internet, and by nothing "
		"else while it is named; what the gateway itself sends goes its own way"},
	{"Endpoints", read_endpoints, "a list of addresses with ports", "198.51.100.7:51820",
		"where peers reach us beside the ports' own addresses: in front of a static NAT"},
	{"AcceptRoutes", read_accept_routes, "yes or no", "no",
		"whether to use networks that other nodes offer"},
	{"Tags", read_tags, "a list of tags", "tag:gateway",
		"tags to ask for, where no auth key has its own"},
	{"Ephemeral", read_ephemeral, "yes or no", "no",
		"whether the server is asked to forget the node some time after it is gone; "
		"Headscale does what the auth key says (preauthkeys create --ephemeral)"},
};

const struct config_section config_section_headscale = {
	.name = "Headscale",
	.begin = headscale_begin,
	.keys = headscale_keys,
	.n_keys = ARRAY_COUNT(headscale_keys),
	.help = "makes the interface a node of a tailnet; peers then come from the server, too",
};
