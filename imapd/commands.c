#include "imapd/commands.h"

enum {
	AUTH = SESSION_AUTHENTICATED,
	SEL = SESSION_SELECTED,
	BOTH = AUTH | SEL
};

/* clang-format off */
static const struct cmd cmds[] = {
	/* verb                      handler           states flags */
	{ STR_INIT("CAPABILITY"),   cmd_capability,   BOTH,  0 },
	{ STR_INIT("NOOP"),         cmd_noop,         BOTH,  0 },
	{ STR_INIT("LOGOUT"),       cmd_logout,       BOTH,  CMD_SILENT },
	{ STR_INIT("ID"),           cmd_id,           BOTH,  CMD_ARGS },
	{ STR_INIT("ENABLE"),       cmd_enable,       BOTH,  CMD_ARGS },
	{ STR_INIT("IDLE"),         cmd_idle,         BOTH,  0 },
	{ STR_INIT("NAMESPACE"),    cmd_namespace,    BOTH,  0 },
	{ STR_INIT("LOGIN"),        cmd_late,         BOTH,  CMD_ARGS },
	{ STR_INIT("AUTHENTICATE"), cmd_late,         BOTH,  CMD_ARGS },
	{ STR_INIT("STARTTLS"),     cmd_late,         BOTH,  0 },
	{ STR_INIT("SELECT"),       cmd_select,       BOTH,  CMD_ARGS | CMD_SILENT },
	{ STR_INIT("EXAMINE"),      cmd_examine,      BOTH,  CMD_ARGS | CMD_SILENT },
	{ STR_INIT("CREATE"),       cmd_create,       BOTH,  CMD_ARGS },
	{ STR_INIT("DELETE"),       cmd_delete,       BOTH,  CMD_ARGS },
	{ STR_INIT("RENAME"),       cmd_rename,       BOTH,  CMD_ARGS },
	{ STR_INIT("SUBSCRIBE"),    cmd_subscribe,    BOTH,  CMD_ARGS },
	{ STR_INIT("UNSUBSCRIBE"),  cmd_unsubscribe,  BOTH,  CMD_ARGS },
	{ STR_INIT("LIST"),         cmd_list,         BOTH,  CMD_ARGS },
	{ STR_INIT("LSUB"),         cmd_lsub,         BOTH,  CMD_ARGS },
	{ STR_INIT("STATUS"),       cmd_status,       BOTH,  CMD_ARGS },
	{ STR_INIT("APPEND"),       cmd_append,       BOTH,  CMD_ARGS | CMD_DURABLE },
	{ STR_INIT("CHECK"),        cmd_noop,         SEL,   CMD_DURABLE },
	{ STR_INIT("CLOSE"),        cmd_close,        SEL,   CMD_SILENT | CMD_DURABLE },
	{ STR_INIT("UNSELECT"),     cmd_unselect,     SEL,   CMD_SILENT },
	{ STR_INIT("EXPUNGE"),      cmd_expunge,      SEL,   CMD_DURABLE },
	{ STR_INIT("EXPUNGE"),      cmd_uid_expunge,  SEL,   CMD_DURABLE | CMD_ARGS | CMD_UID_ONLY },
	{ STR_INIT("FETCH"),        cmd_fetch,        SEL,   CMD_ARGS | CMD_UID | CMD_QUIET },
	{ STR_INIT("STORE"),        cmd_store,        SEL,   CMD_ARGS | CMD_UID | CMD_QUIET | CMD_DURABLE },
	{ STR_INIT("SEARCH"),       cmd_search,       SEL,   CMD_ARGS | CMD_UID | CMD_QUIET },
	{ STR_INIT("COPY"),         cmd_copy,         SEL,   CMD_ARGS | CMD_UID | CMD_DURABLE },
	{ STR_INIT("MOVE"),         cmd_move,         SEL,   CMD_ARGS | CMD_UID | CMD_DURABLE },
};
/* clang-format on */

const struct cmd *
cmd_find(struct str verb, bool uid)
{
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		unsigned flags = cmds[i].flags;

		if (str_ieq(cmds[i].verb, verb) &&
		    (uid ? (flags & (CMD_UID | CMD_UID_ONLY)) != 0 :
		    (flags & CMD_UID_ONLY) == 0))
			return &cmds[i];
	}
	return NULL;
}
