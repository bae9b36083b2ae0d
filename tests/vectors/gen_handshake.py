#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes tests/vectors/handshake.inc: whole WireGuard handshakes with fixed keys.

Straight from the whitepaper's section 5.4, apart from lib/noise and lib/crypto: BLAKE2s and HMAC of
Python, X25519 and ChaCha20-Poly1305 of the package `cryptography`, HChaCha20 written out here.

    python3 tests/vectors/gen_handshake.py > tests/vectors/handshake.inc
"""
import hashlib
import hmac
import ipaddress
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"


def blake(data):
    return hashlib.blake2s(data).digest()


def mac(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def kdf(n, key, data):
    def hmac_of(k, d):
        return hmac.new(k, d, hashlib.blake2s).digest()

    secret, out = hmac_of(key, data), [b""]
    for i in range(1, n + 1):
        out.append(hmac_of(secret, out[-1] + bytes([i])))
    return out[1:]


def public(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def dh(private, other):
    return X25519PrivateKey.from_private_bytes(private).exchange(
        X25519PublicKey.from_public_bytes(other))


def seal(key, plain, aad, nonce=bytes(12)):
    return ChaCha20Poly1305(key).encrypt(nonce, plain, aad)


def hchacha(key, nonce):
    s = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            v = s[z] ^ s[x]
            s[z] = (v << turn | v >> (32 - turn)) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *s[:4], *s[12:])


def xseal(key, nonce, plain, aad):
    return seal(hchacha(key, nonce[:16]), plain, aad, bytes(4) + nonce[16:])


def start(responder_public):
    ck = blake(CONSTRUCTION)
    return ck, blake(blake(ck + IDENTIFIER) + responder_public)


def initiation(case):
    s_i, s_r, e = case["private_i"], case["private_r"], case["ephemeral_i"]
    ck, h = start(public(s_r))
    e_pub = public(e)
    h = blake(h + e_pub)
    ck, = kdf(1, ck, e_pub)
    ck, k = kdf(2, ck, dh(e, public(s_r)))
    sealed_static = seal(k, public(s_i), h)
    h = blake(h + sealed_static)
    ck, k = kdf(2, ck, dh(s_i, public(s_r)))
    stamp = struct.pack(">QI", 0x400000000000000A + case["wall_s"], case["wall_ns"] & ~0xFFFFFF)
    sealed_stamp = seal(k, stamp, h)
    h = blake(h + sealed_stamp)
    msg = struct.pack("<II", 1, case["index_i"]) + e_pub + sealed_static + sealed_stamp
    return ck, h, msg + mac(blake(b"mac1----" + public(s_r)), msg)


def response(case, ck, h):
    s_i, e_i, e_r = case["private_i"], case["ephemeral_i"], case["ephemeral_r"]
    e_pub = public(e_r)
    ck, = kdf(1, ck, e_pub)
    h = blake(h + e_pub)
    ck, = kdf(1, ck, dh(e_r, public(e_i)))
    ck, = kdf(1, ck, dh(e_r, public(s_i)))
    ck, tau, k = kdf(3, ck, case["psk"])
    h = blake(h + tau)
    msg = struct.pack("<III", 2, case["index_r"], case["index_i"]) + e_pub + seal(k, b"", h)
    return ck, msg + mac(blake(b"mac1----" + public(s_i)), msg)


def cookie(case, first):
    """The responder's reply to the initiation `first`, and the mac2 that answers it."""
    source = ipaddress.ip_address(case["source"]).packed + struct.pack(">H", case["port"])
    value = mac(case["secret"], source)
    key = blake(b"cookie--" + public(case["private_r"]))
    reply = struct.pack("<II", 3, case["index_i"]) + case["nonce"] + xseal(
        key, case["nonce"], value, first[-16:])
    return reply, mac(value, first)


def row(case):
    ck, h, first = initiation(case)
    ck, second = response(case, ck, h)
    to_r, to_i = kdf(2, ck, b"")
    reply, mac2 = cookie(case, first)
    values = dict(case, public_i=public(case["private_i"]), public_r=public(case["private_r"]),
                  initiation=first + bytes(16), response=second + bytes(16), to_responder=to_r,
                  to_initiator=to_i, cookie_reply=reply, mac2=mac2)
    print("{")
    for name, v in values.items():
        text = f"{v:#x}" if isinstance(v, int) else f'"{v if isinstance(v, str) else v.hex()}"'
        if len(text) > 80:
            at = list(range(1, len(text) - 1, 72))
            text = "\n\t\t" + "\n\t\t".join(f'"{text[i:min(i + 72, len(text) - 1)]}"' for i in at)
        print(f"\t.{name} =" + ("" if text[0] == "\n" else " ") + text + ",")
    print("},")


def secret(label):
    return hashlib.sha256(b"headgate test vector: " + label.encode()).digest()


def main():
    print("/* SPDX-License-Identifier: BSD-3-Clause */")
    print("/* Handshakes with fixed keys, bytes in hex. Made by gen_handshake.py beside this file. */")
    for n, psk, source in ((0, bytes(32), "192.0.2.7"), (1, secret("psk"), "2001:db8::7")):
        row({
            "psk": psk,
            "private_i": secret(f"initiator {n}"), "private_r": secret(f"responder {n}"),
            "ephemeral_i": secret(f"ephemeral i {n}"), "ephemeral_r": secret(f"ephemeral r {n}"),
            "index_i": 0x01020304 + n, "index_r": 0xF1F2F3F4 + n,
            "wall_s": 1700000000 + n, "wall_ns": 999999999 - 500000000 * n,
            "source": source, "port": 51820 + n,
            "secret": secret(f"cookie secret {n}"), "nonce": secret(f"nonce {n}")[:24],
        })


if __name__ == "__main__":
    main()
