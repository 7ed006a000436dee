/* Stands before the C library in a program under test and writes down, in the file
 * $NO_NETWORK, whatever it asks of the network: sockets that are not the file system's,
 * names of hosts. It forbids nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void note(const char *what, int domain, const char *name) {
    const char *path = getenv("NO_NETWORK");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    fprintf(file, "%s %d %s\n", what, domain, name ? name : "");
    fclose(file);
}

int socket(int domain, int type, int protocol) {
    if (domain == AF_UNIX)
        note("unix", domain, "");
    else
        note("socket", domain, "");
    int (*real)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
    return real(domain, type, protocol);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    note("name", 0, node);
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, out);
}
