package dev.replicator.dumps.postgres;

import java.util.regex.Pattern;

/**
 * Recognises expressions that find an object by a name in a text: {@code nextval('hr.ids'::text::regclass)}. The server
 * records no dependency for them, so the text itself has to be looked at (rule R24).
 */
final class LookedUpNames {
    private static final Pattern QUOTED = Pattern.compile("'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"");
    private static final Pattern LOOKUP = Pattern.compile(
            "\\b(?:(?:to_)?reg(?:class|proc|procedure|oper|operator|role|namespace)|nextval|currval|setval|lastval"
                    + "|pg_has_role|has_\\w+_privilege)\\b",
            Pattern.CASE_INSENSITIVE);

    private LookedUpNames() {}

    /** Whether SQL as the server prints it looks an object up. */
    static boolean in(String sql) {
        return sql != null && LOOKUP.matcher(QUOTED.matcher(sql).replaceAll("")).find();
    }
}
