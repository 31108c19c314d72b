/* Both ends of one virtual network interface over a store in one process, with a port that counts packets. */
#pragma once
#include "pvdrivers/host/os_host.h"
#include "pvdrivers/vif_back.h"
#include "pvdrivers/vif_front.h"

#define BACK	"/local/domain/0/backend/vif/7/0"
#define FRONT	"/local/domain/7/device/vif/0"

struct vif_world {
	struct host_machine machine;
	struct host_domain dom0, guest;
	struct net_port port;
	struct net_limits limits;	/* of the next back end */
	struct vif_back back;
	struct vif_front front;
	uint32_t back_changes, front_changes;
	uint32_t sent, sent_bytes, sent_queue;	/* packets that the port was given; of the last one */
	uint32_t received, received_bytes;	/* the same, of the guest */
	bool echo;			/* the port offers each packet again, three times */
	bool greet;			/* the port offers a packet as soon as the guest can be reached */
	bool part_now;			/* the front end parts when a packet comes */
	uint32_t refuse_write;		/* dom0's nth write from now on fails; 0: none */
	int (*host_write)(struct pv_os *os, const char *path, const char *value);
};
extern struct vif_world *vif;

/* A store with the device's directories, and no end yet. */
void vif_set_up(void);
/* Both ends let go, whatever has happened; then anew. */
void vif_tear_down(void);
void vif_start_over(void);
/* Write a node, as the guest; read one: "" if there is none; remove one. */
void vif_put(const char *dir, const char *name, const char *value);
void vif_put_number(const char *dir, const char *name, uint64_t value);
const char *vif_get(const char *dir, const char *name);
void vif_drop(const char *dir, const char *name);
/* Require these states of front and back end. */
void vif_states(const char *f, const char *b);
/* Begin to drive an end. */
void vif_back_begin(void);
void vif_front_begin(void);
/* Run both ends until nothing moves. */
void vif_run(void);
/* Begin both and require that they are connected. */
void vif_connect(void);
/* A packet of @bytes, until the next call. */
struct net_packet vif_packet(uint32_t bytes);
/* Require that packets come and go. */
void vif_works(void);
