export declare const embed: number;
