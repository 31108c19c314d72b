#!/bin/sh
# What udhcpc found out, applied to the interface.
case $1 in
deconfig)
	ip addr flush dev "$interface"
	ip link set "$interface" up
	;;
bound | renew)
	ip addr flush dev "$interface"
	ip addr add "$ip/$mask" dev "$interface"
	for r in $router; do
		ip route add default via "$r" dev "$interface"
		break
	done
	for d in $dns; do
		echo "nameserver $d"
	done >/etc/resolv.conf
	;;
esac
