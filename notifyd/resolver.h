/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/resolver.h - Pins: paths resolved in the cage's own view
 *
 * The resolver is a process in the cage's user and mount namespaces, outside
 * its pid namespace, Landlock and seccomp. One thread a socket; the doorman has
 * one socket a receiver thread, so a resolution that hangs holds up one thread.
 */
#ifndef NOTIFYD_RESOLVER_H
#define NOTIFYD_RESOLVER_H

#include <sys/types.h>

#include "common/base.h"

#define RESOLVER_SOCKETS 16

/**
 * resolver_serve() - Main of the resolver process
 * @socks:	RESOLVER_SOCKETS connected SOCK_SEQPACKET sockets
 *
 * Entered by the cage builder when the view stands and init runs. Returns when
 * all sockets are closed.
 */
void resolver_serve(const int socks[RESOLVER_SOCKETS]);

#endif /* NOTIFYD_RESOLVER_H */
