/* Network interfaces: what their processes are given, and what outlives those. The world is in roster_world.h. */
#include <errno.h>
#include "dom0/lib/net_address.h"
#include "tests/unit/dom0/backendd/roster_world.h"

#define VIF	DEVICES_DIR "/vif/1/51"
#define ERROR	"/local/domain/0/error/user-backend/vif/1/51/error"

/* A device's file as backendd writes it: name, uplink, whether NAT, and how many of which addresses. */
static void network_write(const char *file, const char *name, const char *uplink, uint32_t nat, const char *addresses)
{
	struct net_address list[NET_ADDRESSES_MAX] = { 0 };
	char blob[16 + 16 + 4 + 4 + sizeof list] = "";
	uint32_t count;

	ck_assert_int_eq(net_addresses_parse(list, &count, addresses), 0);
	strcpy(blob, name);
	strcpy(blob + 16, uplink);
	memcpy(blob + 32, &nat, 4);
	memcpy(blob + 36, &count, 4);
	memcpy(blob + 40, list, sizeof list);
	file_write(file, blob, sizeof blob);
}

static void vif_make(const char *bridge, const char *queues)
{
	put(VIF "/online", "1");
	put(VIF "/frontend-id", "1");
	if (bridge)
		put(VIF "/bridge", bridge);
	if (queues)
		put(VIF "/queues", queues);
	put(VIF "/frontend", "/local/domain/1/device/vif/51");
}

/* The first descriptors, and a tap device's for each queue. */
START_TEST(interface_has_what_it_needs)
{
	static const struct {
		const char *text;
		unsigned int queues, fds;
	} wanted[] = { { NULL, 1, 0x7f }, { "1", 1, 0x7f }, { "3", 3, 0x1ff }, { "4", 4, 0x3ff }, { "64", 4, 0x3ff },
		       { "0", 1, 0x7f }, { "x", 1, 0x7f } };
	char line[128];

	vif_make("xenbr0", wanted[_i].text);
	UNTIL(said(1)[0]);
	snprintf(line, sizeof line, "fds %x blocked 0 path " VIF " sectors 0 of 0 rings %u uid %u ", wanted[_i].fds,
		 wanted[_i].queues, DEVICES_UID);
	ck_assert_msg(strncmp(said(1), line, strlen(line)) == 0, "%s", said(1));
	ck_assert_str_eq(fake_doors.set, "vif1.51 xenbr0 fe..ff 256 65535");
	ck_assert(fake_doors.queues == wanted[_i].queues && fake_doors.fresh);
}
END_TEST

/* In the folder of devices' files. */
static void nothing_left(void)
{
	ck_assert_int_eq(rmdir(run_dir), 0);
	ck_assert_int_eq(mkdir(run_dir, 0700), 0);
}

/* It is made once: those who follow have the same, until the end. */
START_TEST(interface_outlives_processes)
{
	vif_make("xenbr0", "2");
	UNTIL(said(1)[0]);
	kill(roster.devices->pid, SIGKILL);
	UNTIL(said(2)[0]);
	ck_assert_ptr_nonnull(strstr(said(2), "fds ff "));
	ck_assert_uint_eq(fake_doors.tuns, 1);
	ck_assert_str_eq(fake_doors.removed, "");
	put(VIF "/online", "0");
	process_exit(0);
	UNTIL(!roster.devices);
	ck_assert_str_eq(fake_doors.removed, "vif1.51 ");
	ck_assert(!is_there(VIF));
	nothing_left();
}
END_TEST

/* One that backendd finds may be there, and in use for a moment: by what it made before it died itself. */
START_TEST(interface_outlives_backendd)
{
	network_write("vif-1-51", "my-vif", "", 0, "");
	put(VIF "/vifname", "my-vif");
	fake_doors.tun_err = -EBUSY;
	vif_make("xenbr0", NULL);
	UNTIL(roster.devices && roster.devices->retry.armed);
	ck_assert(!roster.devices->refused);
	fake_doors.tun_err = 0;
	UNTIL(said(1)[0]);
	ck_assert(!fake_doors.fresh);
	ck_assert_str_eq(fake_doors.set, "my-vif xenbr0 fe..ff 256 65535");
}
END_TEST

/* @text is why, and @removed is what was made of it when it is forgotten. */
static void refused(const char *text, const char *removed)
{
	char error[512];

	UNTIL(is_there(ERROR));
	ck_assert_int_eq(store_read_buf(toolstack, STORE_NO_TX, ERROR, error, sizeof error), 0);
	ck_assert_str_eq(error, text);
	ck_assert_int_eq(roster.devices->pid, 0);
	put(VIF "/online", "0");
	UNTIL(!roster.devices);
	ck_assert_str_eq(fake_doors.removed, removed);
	ck_assert(!is_there(ERROR));
	fake_doors = (struct fake_doors){ 0 };
}

START_TEST(refusals)
{
	int before = dup(0), after;

	close(before);
	fake_doors.set_err = -ENODEV;
	vif_make("nobr", NULL);
	refused("bridge nobr: No such device", "vif1.51 ");
	vif_make(NULL, NULL);
	refused("bridge: No such file or directory", "vif1.51 ");
	/* Another's interface is left alone. */
	fake_doors.tun_err = -EBUSY;
	vif_make("xenbr0", NULL);
	refused("interface vif1.51: Device or resource busy", "");
	put(VIF "/mode", "tunnel");
	vif_make("xenbr0", NULL);
	refused("mode or ip: Invalid argument", "");
	put(VIF "/vifname", "a-name-too-long-");
	vif_make("xenbr0", NULL);
	refused("vifname: File name too long", "");
	vif_make("a-name-too-long-", NULL);
	refused("bridge: File name too long", "vif1.51 ");
	fake_doors.tun_err = -ENOENT;
	vif_make("xenbr0", NULL);
	refused("interface vif1.51: No such file or directory", "");
	ck_assert_str_eq(said(1), "");
	after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
}
END_TEST

static void routed_make(const char *mode, const char *ip)
{
	put(VIF "/mode", mode);
	put(VIF "/ip", ip);
	vif_make(NULL, NULL);
}

/* What is for the guest's addresses goes to it, and where such packets left before dom0 answers for each. */
START_TEST(routed)
{
	fake_doors.uplink = "lo";
	routed_make("routed", "10.0.0.5 10.1.0.0/16 2001:db8::5");
	UNTIL(said(1)[0]);
	ck_assert_str_eq(fake_doors.set, "vif1.51 - fe..ff 256 65535");
	ck_assert_str_eq(fake_doors.routes, "serve vif1.51 1;add 10.0.0.5;proxy 10.0.0.5 1 1;add 10.1.0.0/16;"
			 "add 2001:db8::5;proxy 2001:db8::5 1 1;");
	/* Once for all processes; undone at the end. */
	kill(roster.devices->pid, SIGKILL);
	UNTIL(said(2)[0]);
	ck_assert_ptr_null(strstr(fake_doors.routes, " 0;"));
	fake_doors.routes[0] = '\0';
	put(VIF "/online", "0");
	process_exit(0);
	UNTIL(!roster.devices);
	ck_assert_str_eq(fake_doors.routes, "proxy 10.0.0.5 1 0;proxy 2001:db8::5 1 0;");
	ck_assert_str_eq(fake_doors.removed, "vif1.51 ");
}
END_TEST

START_TEST(routed_from_nowhere)
{
	routed_make("routed", "10.0.0.5");
	UNTIL(said(1)[0]);
	ck_assert_str_eq(fake_doors.routes, "serve vif1.51 0;add 10.0.0.5;");
}
END_TEST

START_TEST(translated)
{
	fake_doors.uplink = "lo";
	routed_make("nat", "10.0.0.5 10.1.0.0/16");
	UNTIL(said(1)[0]);
	ck_assert_str_eq(fake_doors.routes, "serve vif1.51 0;add 10.0.0.5;nat 10.0.0.5 vif1.51 1;add 10.1.0.0/16;"
			 "nat 10.1.0.0/16 vif1.51 1;");
	fake_doors.routes[0] = '\0';
	put(VIF "/online", "0");
	process_exit(0);
	UNTIL(!roster.devices);
	ck_assert_str_eq(fake_doors.routes, "nat 10.0.0.5 vif1.51 0;nat 10.1.0.0/16 vif1.51 0;");
}
END_TEST

/* What failed half-way is undone, too. */
START_TEST(refused_routes)
{
	static const struct {
		const char *mode, *ip, *error;
		struct fake_doors doors;
	} bad[] = {
		{ "routed", "", "mode or ip: Invalid argument", { 0 } },
		{ "routed", "10.0.0.300", "mode or ip: Invalid argument", { 0 } },
		{ "routed", "10.0.0.5", "interface vif1.51: No such file or directory", { .serve_err = -ENOENT } },
		{ "nat", "10.0.0.5", "address 10.0.0.5: Address already in use", { .find_err = -EADDRINUSE } },
		{ "nat", "10.0.0.5", "address 10.0.0.5: Address already in use", { .uplink = "lo", .add_err = -EEXIST } },
		{ "nat", "10.0.0.5", "address 10.0.0.5: No such file or directory", { .masquerade_err = -ENOENT } },
		{ "routed", "10.0.0.6", "address 10.0.0.6: Input/output error", { .uplink = "lo", .proxy_err = -EIO } },
	};

	fake_doors = bad[_i].doors;
	routed_make(bad[_i].mode, bad[_i].ip);
	refused(bad[_i].error, _i < 2 ? "" : "vif1.51 ");
	nothing_left();
}
END_TEST

START_TEST(a_name_that_is_made_up_must_fit)
{
	put(DEVICES_DIR "/vif/12345/1234567/bridge", "xenbr0");
	put(DEVICES_DIR "/vif/12345/1234567/frontend", "/local/domain/12345/device/vif/1234567");
	UNTIL(roster.devices);
	ck_assert(roster.devices->refused && fake_doors.tuns == 0);
}
END_TEST

/* A disk and an interface may have the same number. */
START_TEST(of_both_types)
{
	served();
	vif_make("xenbr0", NULL);
	UNTIL(said(2)[0]);
	ck_assert(roster.devices->kind == &vif_kind && roster.devices->next->kind == &vbd_kind);
	ck_assert_uint_ne(roster.devices->uid, roster.devices->next->uid);
	put(VIF "/online", "0");
	process_exit(0);
	UNTIL(!roster.devices->next);
	settle();
	ck_assert(roster.devices->kind == &vbd_kind && roster.devices->pid && is_there(VBD));
}
END_TEST

/* Devices that went while there was no backendd are seen by their files. */
START_TEST(leftovers)
{
	network_write("vif-1-7", "vif1.7", "lo", 0, "10.0.0.7 10.1.0.0/16 2001:db8::7");
	network_write("vif-1-8", "vif1.8", "", 1, "10.0.0.8");
	file_write("vif-1-9", "vif1.9", 6);
	file_write("vif-2-0", "", 0);
	file_write("vbd-1-52", "x", 1);
	file_write("vbd-1-51", "\5", 1);
	file_write("other-1-1", "x", 1);
	device_make("w");
	UNTIL(said(1)[0]);
	settle();
	ck_assert_ptr_nonnull(strstr(fake_doors.removed, "vif1.7 "));
	ck_assert_ptr_nonnull(strstr(fake_doors.removed, "vif1.8 "));
	ck_assert_uint_eq(strlen(fake_doors.removed), 14);
	ck_assert_ptr_nonnull(strstr(fake_doors.routes, "proxy 10.0.0.7 1 0;proxy 2001:db8::7 1 0;"));
	ck_assert_ptr_nonnull(strstr(fake_doors.routes, "nat 10.0.0.8 vif1.8 0;"));
	ck_assert_ptr_nonnull(strstr(said(1), " nr 6\n"));
	ck_assert_int_eq(access(records, F_OK), 0);
	char *command = mem_printf("test \"$(ls %s | tr '\n' ' ')\" = 'other-1-1 vbd-1-51 '", run_dir);
	ck_assert_int_eq(system(command), 0);
	free(command);
}
END_TEST

static TCase *tests(void)
{
	TCase *c = CHECK_CASE(setup, teardown, interface_outlives_processes, interface_outlives_backendd, refusals, routed,
			      routed_from_nowhere, translated,
			      a_name_that_is_made_up_must_fit, of_both_types, leftovers);

	tcase_add_loop_test(c, interface_has_what_it_needs, 0, 7);
	tcase_add_loop_test(c, refused_routes, 0, 7);
	return c;
}

int main(void)
{
	return roster_main("vif", tests);
}
