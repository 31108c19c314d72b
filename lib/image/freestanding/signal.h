/* There are no signals; liblzma's headers mention a function that its decoders never call. */
#pragma once
typedef int sigset_t;
static inline int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how, (void)set, (void)old;
	return 0;
}
