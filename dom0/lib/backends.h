/* Where dom0 has its halves of guests' devices: /local/domain/0/KIND/TYPE/DOMID/DEVICE, and a device's error below
 * /local/domain/0/error, at KIND/TYPE/DOMID/DEVICE/error. */
#pragma once

#define BACKENDS_KERNEL "backend"    /* Linux's drivers watch it and serve what is there */
#define BACKENDS_USER "user-backend" /* backendd does, and starts a process for each DEVICE; it removes DEVICE when it is
				      * closed and its process and I/O are gone, and then its error; or
				      * when it can serve it, after all */
