package dev.replicator.slave.postgres;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rule R04: a definition counts as unchanged only when nobody else can have changed it. */
final class SoleWriterTest {
    private final SoleWriter writer = new SoleWriter();

    @BeforeEach
    void lookAlone() {
        assertFalse(writer.observe("100:100::100"), "there was no look before");
        assertTrue(writer.isAlone());
    }

    @Test
    void shouldKnowThatNobodyElseWroteBetweenItsTransactions() {
        assertTrue(writer.observe("101:101::101"));
        assertTrue(writer.observe("101:101::101"), "a second look of one transaction");
        assertTrue(writer.observe("102:102::102"));
    }

    @Test
    void r04ShouldSeeThatAnotherTransactionHadAnIdInBetween() {
        assertFalse(writer.observe("102:102::102"));
        assertTrue(writer.observe("103:103::103"));
    }

    @Test
    void r04ShouldSeeOneThatBeganLaterAndIsOver() {
        assertFalse(writer.observe("101:103::101"));
        assertFalse(writer.isAlone());
    }

    @Test
    void r04ShouldSeeOneThatWasInProgressAndIsOverNow() {
        assertFalse(writer.observe("99:101:99:101"));
        assertFalse(writer.observe("102:102::102"), "99 has ended since");
        assertTrue(writer.observe("103:103::103"));
    }

    @Test
    void r04ShouldSeeOneJustBeforeItsOwnThatTheSnapshotDoesNotName() {
        // 101 is in progress, and nothing behind it has ended: it is beyond the snapshot's end.
        assertFalse(writer.observe("101:101::102"));
        assertFalse(writer.isAlone());
    }
}
