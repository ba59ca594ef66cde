/*
 * Paths that root follows: nobody but root, or we, may decide where they lead. Floor 1;
 * supervisor.
 */
#ifndef HOSTEL_SYS_TRUST_H
#define HOSTEL_SYS_TRUST_H

#include <stdbool.h>
#include <sys/types.h>

/* ret  true when somebody who is not trusted is in this group */
typedef bool trust_group_fn(const void *data, gid_t gid);

/* Root, or ourselves. */
bool trust_uid(uid_t uid);

/*
 * Open a directory, looking at every step from the root: each directory on the way belongs to
 * root or us and can be written by nobody else (sticky ones such as /tmp pass), and each
 * symbolic link is root's or ours. Following links first and looking then would let a user
 * bend a path that runs through his home to a place that is beyond reproach, such as /etc.
 *
 * in   path   absolute
 * in   group  of a directory that its group can write; NULL = no group is trusted
 * out  dir    O_PATH, owned by the caller
 * out  why    what is wrong, for a person; owned by the caller; NULL = not asked for
 * ret  0; -EPERM a step is somebody else's; -EINVAL not absolute; or another -errno
 */
int trust_dir(const char *path, trust_group_fn *group, const void *data, int *dir, char **why);

/*
 * The same for a file: nobody but root, or we, decides which one the path leads to. Whose it is
 * itself is not looked at.
 *
 * out  file  O_PATH, owned by the caller
 * ret  as above; -EISDIR
 */
int trust_file(const char *path, int *file, char **why);

#endif
