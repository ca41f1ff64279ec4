UPDATE sa_head SET store = 'STORE', seq = 9, at = 1795424400000000, floor = 3;
INSERT INTO sa_secret (name, value) VALUES ('cursor', x'6b6579');
INSERT INTO sa_change (seq, type, id, op, source, names, txn, at, before) VALUES (8, 'User', 'u1', 'update', 'own', 'active
title', 't1', 1795424400000000, x'6265666f7265');
INSERT INTO sa_resource (type, id, seq, gone, doc) VALUES ('User', 'u1', 8, 0, x'646f63'), ('User', 'u2', 9, 1, NULL);
INSERT INTO sa_scan (type, id, began, ended, total) VALUES ('User', 4, 1795424400000000, 1795424400000000, 2);
INSERT INTO sa_page (type, scan, no, at, total, docs) VALUES ('User', 4, 1, 1795424400000000, 2, x'7061676573');
INSERT INTO sa_value (kind, key, version, expires, data) VALUES ('hold', 'h1', 7, 0, x'64617461');
INSERT INTO sa_lease (name, owner, fence, until) VALUES ('scan', 'a', 5, 0);
