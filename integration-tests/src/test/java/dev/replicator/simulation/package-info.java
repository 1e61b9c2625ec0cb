/**
 * A model check of the whole system: a small master, capture, forwarder and slaves in one thread, whose steps a seed
 * orders at random, with crashes, lost connections, restored backups and operators between them.
 *
 * <h2>What is the product and what is the model</h2>
 *
 * Decisions are the product's own classes, so that a defect put into one of them makes the check fail. Capture: {@code
 * TransactionWriter}, {@code Resent}, {@code CommitLog}, {@code BeforeSnapshot}, {@code Continuity}, {@code Spool}, {@code
 * HistoryAdoption}, {@code TableRegistry}, {@code TransactionIds}, {@code Announcements}, {@code DumpOrders}. Forwarder:
 * {@code Histories}, {@code IntakeRules}, {@code QueueAppender}, {@code DumpCatalog}, {@code DumpRules}, {@code
 * DumpRequirements}, {@code TableSets}, {@code GrantState}, {@code LaneStarts}, {@code RecordTrimmer}, {@code Retention},
 * {@code Visibility}, {@code Slaves}, {@code ControlStream}. Slave: everything that decides, and every statement on its own
 * schema, run as it is by {@link dev.replicator.simulation.MemoryDatabase}: {@code LaneRows}, {@code HandOver}, {@code
 * Parking}, {@code TableSetChange}, {@code HistoryStart}, {@code BatchTransaction}, {@code MirrorKeys}, {@code Commands},
 * {@code Groups}, {@code DumpRequests}, {@code LaneRules}, {@code LaneFilter}, {@code Intake}, {@code LaneBoard}, {@code
 * RowNetting}, {@code Comparison}, {@code Rewrite}.
 *
 * <p>Modelled are PostgreSQL ({@link dev.replicator.simulation.Master}: log, visibility, snapshots, locks, slot,
 * publication; {@code MemoryDatabase}: transactions, lost commits), the queue's files ({@code MemoryQueue}), threads, time
 * and the network: the classes named {@code ...Model}, each beside the product's class whose loop it stands for.
 *
 * <p>Not modelled: what a snapshot reads of a table that is altered meanwhile (R03), partitions (R09), the text of values
 * (R12, R22), constraints, triggers and foreign keys of the target (R18, R19), conflicts that somebody makes by writing to
 * a slave (R23), large transactions in pieces, bytes on disk and on the wire (R16).
 *
 * <h2>What is checked</h2>
 *
 * After every step {@link dev.replicator.simulation.Witness} compares what readers of a slave see with what the master was
 * at the slave's position. At the end nobody fails any more, everybody takes turns, and within a bounded number of rounds
 * every slave must be what the master is, no dump may be open and nothing held.
 *
 * <h2>How to read a failure</h2>
 *
 * A failing history is made shorter by leaving out steps as long as it fails alike, then printed: number of the step, who,
 * what. The line behind {@code =>} says which promise was broken. The same seed gives the same history again:
 * {@code ModelCheck --histories 1 --seed S}.
 */
package dev.replicator.simulation;
