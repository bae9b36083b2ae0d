#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# adopt_restore.sh over AF_PACKET, where nftables keeps the kernel from answering too.
adopt_kind=packet
. "${0%/*}/adopt_restore.sh"
