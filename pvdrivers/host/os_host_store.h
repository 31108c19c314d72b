/* The host port's store: functions of os.h, and the queue of its watches. */
#pragma once
#include "pvdrivers/host/os_host.h"

int host_store_read(struct pv_os *os, const char *path, char *value, size_t size);
int host_store_write(struct pv_os *os, const char *path, const char *value);
int host_store_watch(struct pv_os *os, const char *path, pv_callback *fn, void *arg);
void host_store_unwatch(struct pv_os *os, const char *path, pv_callback *fn, void *arg);
/* Call one pending watch. False: there is none. */
bool host_store_run_one(struct host_machine *machine);
