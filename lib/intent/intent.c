/* SPDX-License-Identifier: BSD-3-Clause */
/* The intent as a value: made, copied, looked into and taken apart. */
#include "intent/intent.h"

#include <errno.h>
#include <sodium/crypto_scalarmult_curve25519.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/x25519.h"
#include "filter/rule.h"
#include "intent/array.h"

struct intent *
intent_create(void)
{
	struct intent *it = calloc(1, sizeof(*it));
	if (!it)
		return NULL;
	it->gateway = (struct gateway_intent){
		.control_core = CONTROL_CORE_ANY,
		.hugepages_mib = HUGEPAGES_AUTO,
		.host = true,
		.log_level = LOG_LEVEL_INFO,
	};
	return it;
}

static void
port_destroy(struct port_intent *p)
{
	free(p->addresses.items);
	free(p->neighbours);
	free(p);
}

static void
interface_destroy(struct interface_intent *i)
{
	free(i->addresses.items);
	free(i->snat.items);
	hook_list_fini(&i->hooks);
	free(i->dns);
	free(i->save_path);
	headscale_intent_destroy(i->headscale);
	peer_set_fini(&i->peers);
	secret_wipe(i, sizeof(*i));
	free(i);
}

void
intent_destroy(struct intent *it)
{
	if (!it)
		return;
	for (size_t i = 0; i < it->n_ports; i++)
		port_destroy(it->ports[i]);
	for (size_t i = 0; i < it->n_interfaces; i++)
		interface_destroy(it->interfaces[i]);
	filter_plan_destroy(it->filter);
	for (size_t i = 0; i < it->n_files; i++)
		free(it->files[i]);
	free(it->files);
	for (size_t i = 0; i < it->n_warnings; i++)
		free(it->warnings[i]);
	free(it);
}

static int
copy_port(struct intent *to, const struct port_intent *from)
{
	struct port_intent *p = intent_port_add(to, from->name);
	if (!p)
		return -errno;
	*p = *from;
	p->addresses = (struct prefix_list){0};
	p->neighbours = NULL;
	p->n_neighbours = 0;
	int rc = prefix_list_copy(&p->addresses, &from->addresses);
	for (size_t i = 0; i < from->n_neighbours && rc == 0; i++)
		rc = neighbour_add(p, &from->neighbours[i]);
	return rc;
}

static int
copy_interface(struct intent *to, const struct interface_intent *from)
{
	struct interface_intent *i = intent_interface_add(to, from->name);
	if (!i)
		return -errno;
	i->origin = from->origin;
	interface_set_key(i, &from->private_key);
	i->listen_port = from->listen_port;
	memcpy(i->listen_addrs, from->listen_addrs, sizeof(i->listen_addrs));
	i->n_listen_addrs = from->n_listen_addrs;
	i->fwmark = from->fwmark;
	i->mtu = from->mtu;
	i->keeps_mss = from->keeps_mss;
	i->table = from->table;
	i->table_id = from->table_id;
	int rc = prefix_list_copy(&i->addresses, &from->addresses);
	if (!rc)
		rc = prefix_list_copy(&i->snat, &from->snat);
	if (!rc)
		rc = hook_list_set(&i->hooks, &from->hooks);
	if (!rc)
		rc = intent_text_set(&i->dns, from->dns);
	if (!rc)
		rc = intent_text_set(&i->save_path, from->save_path);
	if (!rc && from->headscale && !(i->headscale = headscale_intent_copy(from->headscale)))
		rc = -ENOMEM;
	return rc ? rc : peer_set_copy(&i->peers, &from->peers);
}

struct intent *
intent_copy(const struct intent *it)
{
	struct intent *copy = intent_create();
	if (!copy)
		return NULL;
	copy->gateway = it->gateway;
	copy->filter_origin = it->filter_origin;
	int rc = intent_filter_set(copy, it->filter);
	for (size_t i = 0; i < it->n_files && rc == 0; i++)
		rc = intent_file_id(copy, it->files[i]) ? 0 : -ENOMEM;
	for (size_t i = 0; i < it->n_ports && rc == 0; i++)
		rc = copy_port(copy, it->ports[i]);
	for (size_t i = 0; i < it->n_interfaces && rc == 0; i++)
		rc = copy_interface(copy, it->interfaces[i]);
	if (rc == 0)
		return copy;
	intent_destroy(copy);
	return NULL;
}

uint32_t
intent_file_id(struct intent *it, const char *file)
{
	for (uint32_t i = 0; i < it->n_files; i++) {
		if (strcmp(it->files[i], file) == 0)
			return i + 1;
	}
	char **files = array_grow(it->files, it->n_files, sizeof(*files));
	if (!files)
		return 0;
	it->files = files;
	files[it->n_files] = strdup(file);
	return files[it->n_files] ? ++it->n_files : 0;
}

const char *
intent_where(const struct intent *it, struct origin origin, char out[INTENT_WHERE_BYTES])
{
	if (origin.file_id == 0 || origin.file_id > it->n_files) {
		strcpy(out, "the running state");
		return out;
	}
	/* Of a long path the end tells more than the start. */
	const char *file = it->files[origin.file_id - 1];
	size_t n = strlen(file), room = INTENT_WHERE_BYTES - 16;
	file += n > room ? n - room : 0;
	if (origin.line)
		snprintf(out, INTENT_WHERE_BYTES, "%s:%u", file, origin.line);
	else
		snprintf(out, INTENT_WHERE_BYTES, "%s", file);
	return out;
}

void
intent_warn(struct intent *it, const char *format, ...)
{
	char *text = NULL;
	if (it->n_warnings == INTENT_MAX_WARNINGS)
		return;
	va_list ap;
	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n >= 0)
		it->warnings[it->n_warnings++] = text;
}

struct port_intent *
intent_port_find(const struct intent *it, const char *name)
{
	for (size_t i = 0; i < it->n_ports; i++) {
		if (strcmp(it->ports[i]->name, name) == 0)
			return it->ports[i];
	}
	return NULL;
}

struct interface_intent *
intent_interface_find(const struct intent *it, const char *name)
{
	for (size_t i = 0; i < it->n_interfaces; i++) {
		if (strcmp(it->interfaces[i]->name, name) == 0)
			return it->interfaces[i];
	}
	return NULL;
}

bool
intent_name_is_valid(const char *name, size_t max_bytes)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_=+.-";
	size_t n = strnlen(name, max_bytes);
	return n > 0 && n < max_bytes && strspn(name, plain) == n && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && name[0] != '-';
}

struct port_intent *
intent_port_add(struct intent *it, const char *name)
{
	struct port_intent *p = NULL;
	if (!intent_name_is_valid(name, INTENT_PORT_NAME_BYTES))
		errno = EINVAL;
	else if (intent_port_find(it, name))
		errno = EEXIST;
	else if (it->n_ports == INTENT_MAX_PORTS)
		errno = ENOSPC;
	else
		p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	memcpy(p->name, name, strlen(name));
	it->ports[it->n_ports++] = p;
	return p;
}

struct interface_intent *
intent_interface_add(struct intent *it, const char *name)
{
	struct interface_intent *i = NULL;
	if (!intent_name_is_valid(name, INTENT_NAME_BYTES))
		errno = EINVAL;
	else if (intent_interface_find(it, name))
		errno = EEXIST;
	else if (it->n_interfaces == INTENT_MAX_INTERFACES)
		errno = ENOSPC;
	else
		i = calloc(1, sizeof(*i));
	if (!i)
		return NULL;
	memcpy(i->name, name, strlen(name));
	peer_set_init(&i->peers);
	it->interfaces[it->n_interfaces++] = i;
	return i;
}

void
intent_port_remove(struct intent *it, struct port_intent *p)
{
	size_t i = 0;
	while (i < it->n_ports && it->ports[i] != p)
		i++;
	if (i == it->n_ports)
		return;
	array_cut(it->ports, it->n_ports--, sizeof(it->ports[0]), i);
	port_destroy(p);
}

void
intent_interface_remove(struct intent *it, struct interface_intent *iface)
{
	size_t i = 0;
	while (i < it->n_interfaces && it->interfaces[i] != iface)
		i++;
	if (i == it->n_interfaces)
		return;
	array_cut(it->interfaces, it->n_interfaces--, sizeof(it->interfaces[0]), i);
	interface_destroy(iface);
}

const struct neighbour_intent *
neighbour_find(const struct port_intent *p, const struct addr *ip)
{
	for (size_t i = 0; i < p->n_neighbours; i++) {
		if (addr_is_equal(&p->neighbours[i].ip, ip))
			return &p->neighbours[i];
	}
	return NULL;
}

int
neighbour_add(struct port_intent *p, const struct neighbour_intent *n)
{
	if (neighbour_find(p, &n->ip))
		return -EEXIST;
	if (p->n_neighbours == INTENT_MAX_NEIGHBOURS)
		return -ENOSPC;
	struct neighbour_intent *items = array_grow(p->neighbours, p->n_neighbours, sizeof(*items));
	if (!items)
		return -ENOMEM;
	p->neighbours = items;
	items[p->n_neighbours++] = *n;
	return 0;
}

int
neighbour_remove(struct port_intent *p, const struct addr *ip)
{
	const struct neighbour_intent *n = neighbour_find(p, ip);
	if (!n)
		return -ENOENT;
	array_cut(p->neighbours, p->n_neighbours--, sizeof(*n), (size_t)(n - p->neighbours));
	return 0;
}

int
intent_filter_set(struct intent *it, const struct filter_plan *plan)
{
	bool is_on = plan && plan->is_on;
	struct filter_plan *copy = is_on ? filter_plan_copy(plan) : NULL;
	if (is_on && !copy)
		return -ENOMEM;
	filter_plan_destroy(it->filter);
	it->filter = copy;
	return 0;
}

int
intent_text_set(char **out, const char *text)
{
	char *copy = text && *text ? strdup(text) : NULL;
	if (text && *text && !copy)
		return -ENOMEM;
	free(*out);
	*out = copy;
	return 0;
}

int
interface_listen_add(struct interface_intent *i, const struct addr *a)
{
	if (addr_is_zero(a) || addr_is_multicast(a))
		return -EINVAL;
	for (unsigned k = 0; k < i->n_listen_addrs; k++) {
		if (addr_is_equal(&i->listen_addrs[k], a))
			return -EEXIST;
	}
	if (i->n_listen_addrs == INTENT_MAX_LISTEN_ADDRS)
		return -ENOSPC;
	i->listen_addrs[i->n_listen_addrs++] = *a;
	return 0;
}

int
interface_listen_set(struct interface_intent *i, const char *text)
{
	struct interface_intent fresh = {.n_listen_addrs = 0};
	int rc = 0;
	while (*text && rc == 0) {
		char word[ADDR_TEXT_BYTES] = "";
		struct addr a;
		size_t n = strcspn(text, " ");
		if (n < sizeof(word))
			memcpy(word, text, n);
		rc = addr_parse(word, &a);
		if (rc == 0)
			rc = interface_listen_add(&fresh, &a);
		text += n + (text[n] == ' ');
	}
	if (rc)
		return rc;
	memcpy(i->listen_addrs, fresh.listen_addrs, sizeof(i->listen_addrs));
	i->n_listen_addrs = fresh.n_listen_addrs;
	return 0;
}

const char *
interface_listen_format(const struct interface_intent *i, char out[INTENT_LISTEN_BYTES])
{
	char text[ADDR_TEXT_BYTES];
	size_t n = 0;
	out[0] = 0;
	for (unsigned k = 0; k < i->n_listen_addrs; k++)
		n += (size_t)snprintf(out + n, INTENT_LISTEN_BYTES - n, "%s%s", k ? " " : "",
			addr_format(&i->listen_addrs[k], text));
	return out;
}

void
interface_clamp_key(struct key *private_key)
{
	if (!key_is_zero(private_key))
		x25519_clamp(private_key->bytes);
}

void
interface_set_key(struct interface_intent *i, const struct key *private_key)
{
	i->private_key = *private_key;
	interface_clamp_key(&i->private_key);
	i->has_key = !key_is_zero(private_key);
}

struct key
interface_public_key(const struct interface_intent *i)
{
	struct key public_key = {0};
	if (i->has_key)
		crypto_scalarmult_curve25519_base(public_key.bytes, i->private_key.bytes);
	return public_key;
}
