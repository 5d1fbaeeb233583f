/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs pkttyagent as a child of ours that dies with us, and waits until polkit knows it. */

#include "client/bus/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <unistd.h>

/* In the child, between fork and exec. */
static void follow_parent_to_death(void *parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != (pid_t)GPOINTER_TO_INT(parent))
        _exit(0); /* it was quicker */
}

/* pkttyagent closes the pipe once polkit knows it, or dies. */
static void wait_for_close(int fd)
{
    struct pollfd pollfd = { .fd = fd, .events = POLLIN };
    char dummy;

    while (poll(&pollfd, 1, -1) < 0 && errno == EINTR)
        ;
    while (read(fd, &dummy, sizeof dummy) < 0 && errno == EINTR)
        ;
}

/* Where polkit looks for the agent of a desktop. */
static bool has_session(void)
{
    g_autofree char *session = NULL; /* malloc() and g_malloc() are the same */

    return sd_pid_get_session(0, &session) >= 0 || sd_uid_get_display(geteuid(), &session) >= 0;
}

GPid agent_start(void)
{
    /* stdin: this is about typing, the output may well go into a pipe */
    if (geteuid() == 0 || !isatty(STDIN_FILENO))
        return 0;

    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return 0;
    int notify_fd = fcntl(pipe_fds[1], F_DUPFD, 3); /* not close-on-exec */
    close(pipe_fds[1]);

    g_autofree char *process = g_strdup_printf("%d", getpid());
    g_autofree char *notify = g_strdup_printf("%d", notify_fd);
    /* The desktop's agent comes first. Without a session there is none, and polkit would not even look for
     * one that calls itself a fallback: after su, in a container, over an ssh without logind. */
    const char *argv[] = {
        "pkttyagent", "--process", process, "--notify-fd", notify, has_session() ? "--fallback" : NULL, NULL,
    };
    GPid agent = 0;
    g_autoptr(GError) error = NULL;
    if (!g_spawn_async(/* working_directory= */ NULL, (char **)argv, /* envp= */ NULL,
                       G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN |
                           G_SPAWN_CHILD_INHERITS_STDIN,
                       follow_parent_to_death, GINT_TO_POINTER(getpid()), &agent, &error)) {
        g_debug("no pkttyagent, ignoring: %s", error->message);
        agent = 0;
    }

    close(notify_fd);
    if (agent > 0)
        wait_for_close(pipe_fds[0]);
    close(pipe_fds[0]);
    return agent;
}

void agent_stop(GPid agent)
{
    if (agent <= 0)
        return;

    /* it may have been stopped while it asked */
    kill(agent, SIGTERM);
    kill(agent, SIGCONT);
    while (waitpid(agent, NULL, 0) < 0 && errno == EINTR)
        ;
}
