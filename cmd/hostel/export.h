/* "hostel export". Floor 7, hostel. */
#ifndef CMD_HOSTEL_EXPORT_H
#define CMD_HOSTEL_EXPORT_H

/* Its exit status. */
int cmd_export(int argc, char **argv);

#endif
