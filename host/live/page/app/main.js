// The page of `allspin live`: it asks the server that it came from.

import { Connection } from "./connection.js";
import { Page } from "./page.js";

new Page((take, lost) => new Connection(take, lost));
