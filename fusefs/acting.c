/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/acting.c - Who is behind a request, where a thread of the resolver's stands for somebody inside
 *
 * The doorman says so before the thread begins and after it has ended, so a
 * request of that thread finds the pair as it was said. No lock: a pair is taken
 * by its agent, and its caller is there before the thread does anything.
 */
#include "fusefs/acting.h"

#include "fusefs/fs.h"

pid_t acting_caller(struct acting *a, pid_t tid)
{
	if (tid <= 0 || atomic_load_explicit(&a->count, memory_order_acquire) == 0)
		return tid;
	for (size_t i = 0; i < ARRAY_SIZE(a->pair); i++)
		if (atomic_load(&a->pair[i].agent) == tid)
			return atomic_load(&a->pair[i].caller);
	return tid;
}

static void end(struct acting *a, pid_t agent)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->pair); i++) {
		if (atomic_load(&a->pair[i].agent) != agent)
			continue;
		atomic_store(&a->pair[i].agent, 0);
		atomic_fetch_sub(&a->count, 1);
		return;
	}
}

static bool begin(struct acting *a, pid_t agent, pid_t caller)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->pair); i++)
		if (atomic_load(&a->pair[i].agent) == agent)
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(a->pair); i++) {
		int free_place = 0;

		if (!atomic_compare_exchange_strong(&a->pair[i].agent, &free_place, agent))
			continue;
		atomic_store(&a->pair[i].caller, caller);
		atomic_fetch_add(&a->count, 1);
		return true;
	}
	return false;
}

bool fusefs_act_for(struct fusefs *fs, pid_t agent, pid_t caller)
{
	if (agent <= 0)
		return false;
	if (caller > 0)
		return begin(&fs->acting, agent, caller);
	end(&fs->acting, agent);
	return true;
}
