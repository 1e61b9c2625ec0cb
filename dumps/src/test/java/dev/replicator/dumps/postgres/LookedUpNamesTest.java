package dev.replicator.dumps.postgres;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LookedUpNamesTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "nextval(('hr.ids'::text)::regclass)",
                "CHECK (pg_has_role(('boss'::text)::name, 'MEMBER'::text))",
                "to_regclass('hr.salaries'::text) IS NULL",
                "has_table_privilege('hr.salaries'::text, 'SELECT'::text)"
            })
    void r24ShouldRecogniseAnObjectThatIsFoundByText(String sql) {
        assertTrue(LookedUpNames.in(sql));
    }

    @ParameterizedTest
    @ValueSource(strings = {"now()", "'nextval(x)'::text", "(\"regclass\" || 'it''s regclass'::text)", "upper(region)"})
    void r24ShouldLeaveOthersAlone(String sql) {
        assertFalse(LookedUpNames.in(sql));
    }
}
