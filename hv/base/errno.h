/* Error numbers: the values guests see, which are Linux's.
 * Layer: base. Spec: xen/errno.h of the public headers.
 * Functions return 0 or one of these negated. */
#pragma once

#ifndef EPERM
#define EPERM		1
#define ENOENT		2
#define ESRCH		3
#define EINTR		4
#define EIO		5
#define ENXIO		6
#define E2BIG		7
#define ENOEXEC		8
#define EBADF		9
#define EAGAIN		11
#define ENOMEM		12
#define EACCES		13
#define EFAULT		14
#define EBUSY		16
#define EEXIST		17
#define ENODEV		19
#define EINVAL		22
#define ENOSPC		28
#define EROFS		30
#define EDOM		33
#define ERANGE		34
#define ENOSYS		38
#define EPROTO		71
#define EOVERFLOW	75
#define ERESTART	85
#define EOPNOTSUPP	95
#define ETIME		62
#endif
/* -ERESTART never reaches a guest: a handler returns it when it was preempted; its
 * arguments in struct call then describe the rest of the work (hv/call/call.h). */
