/* The kernel's user headers include this file, which no package installs: give them the types. */
#pragma once
#include <xen/grant_table.h>
#include <xen/xen.h>
