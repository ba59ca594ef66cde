/* One visitor: a connection, what it asks, and whether what it hears is right. */
#ifndef BENCH_VISITOR_H
#define BENCH_VISITOR_H

#include <llhttp.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stddef.h>

enum { HOSTS_MAX = 1024 };

/* A site that is asked for, and the body that it must send. */
struct host {
    const char *name;
    const char *body;
    size_t bytes;
    char request[1024];
    size_t request_bytes;
};

/* What all visitors share: set before the first of them. */
struct work {
    struct host hosts[HOSTS_MAX]; /* asked for in turn */
    int hosts_n;
    int fresh, resume; /* a connection for each request; sessions of TLS are resumed */
    struct sockaddr_in server;
    SSL_CTX *tls; /* NULL: without */
    int epoll;

    /* of one command */
    int asking; /* who has an answer asks again */
    unsigned long asked, answers, errors;
    unsigned long long bytes;
    char text[200]; /* the first error */
};

extern struct work work;

enum state { AWAY, CONNECTING, GREETING, READING, LEAVING };

struct visitor {
    enum state state;
    int fd;           /* -1 when AWAY */
    unsigned watched; /* events that epoll watches */
    SSL *ssl;
    int resumes; /* has offered a session */
    llhttp_t parser;
    const struct host *host;
    size_t got;   /* bytes of the body */
    int compared; /* byte for byte */
    int wrong, whole, keeps;
};

void visitor_init(struct visitor *v);

/* Asks, over the connection that it has or a new one; what epoll then tells goes to go_on. */
void visitor_ask(struct visitor *v);
void visitor_go_on(struct visitor *v);

/* 1 while something that it asked for has not come. */
int visitor_waits(const struct visitor *v);

/* Counts an error, and parts. */
__attribute__((format(printf, 2, 3))) void
visitor_failed(struct visitor *v, const char *why, ...);

/* Closes its connection, if it has one. */
void visitor_part(struct visitor *v);

/* For the context: sessions are kept for those who come later. */
int visitor_on_session(SSL *ssl, SSL_SESSION *s);

#endif
